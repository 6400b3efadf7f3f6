package storetest

import (
	"time"

	"kelas/classroom"
)

func testUsers(h *harness) {
	same(h, "users at first", must(h.s.CountUsers(h.ctx))(h), 0)
	sameList(h, "users at first", must(h.s.Users(h.ctx))(h), nil)
	_, err := h.s.User(h.ctx, "nobody")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UserByName(h.ctx, "nobody")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UpdateUser(h.ctx, user("nobody", "nobody"))
	h.is(err, classroom.ErrNotFound)

	siti, budi := user("u1", "siti"), user("u2", "Budi")
	budi.Disabled, budi.Role, budi.Language = true, classroom.AccountStudent, ""
	h.ok(h.s.PutUser(h.ctx, siti))
	h.ok(h.s.PutUser(h.ctx, budi))
	h.is(h.s.PutUser(h.ctx, user("u1", "another")), classroom.ErrExists)

	got := must(h.s.User(h.ctx, "u1"))(h)
	siti.Rev = got.Rev
	same(h, "the user", got, siti)
	got = must(h.s.User(h.ctx, "u2"))(h)
	budi.Rev = got.Rev
	same(h, "the disabled user", got, budi)
	same(h, "the number", must(h.s.CountUsers(h.ctx))(h), 2)
	sameList(h, "users by name", must(h.s.Users(h.ctx))(h), []classroom.User{budi, siti})

	siti.DisplayName, siti.PasswordHash, siti.Disabled = "Ibu Siti", "$argon2id$other", true
	updated := must(h.s.UpdateUser(h.ctx, siti))(h)
	same(h, "the rev after an update", updated.Rev, siti.Rev+1)
	_, err = h.s.UpdateUser(h.ctx, siti) // with the old rev
	h.is(err, classroom.ErrConflict)
	siti.Rev = updated.Rev
	same(h, "what the update returned", updated, siti)
	same(h, "the updated user", must(h.s.User(h.ctx, "u1"))(h), siti)
	_, err = h.s.UpdateUser(h.ctx, must(h.s.User(h.ctx, "u1"))(h))
	h.ok(err)
}

func testUserNames(h *harness) {
	h.ok(h.s.PutUser(h.ctx, user("u1", "Siti")))
	h.is(h.s.PutUser(h.ctx, user("u2", "SITI")), classroom.ErrExists)
	h.ok(h.s.PutUser(h.ctx, user("u3", "Éloïse")))
	h.is(h.s.PutUser(h.ctx, user("u4", "éLOÏSE")), classroom.ErrExists)
	same(h, "by another case", must(h.s.UserByName(h.ctx, "sItI"))(h).ID, "u1")
	same(h, "by another case", must(h.s.UserByName(h.ctx, "ÉLOÏSE"))(h).ID, "u3")
	same(h, "the name as written", must(h.s.UserByName(h.ctx, "ÉLOÏSE"))(h).Name, "Éloïse")
	// A trailing space, a dollar, a dot make other names.
	for i, name := range []string{"siti ", "$siti", "siti.", "s%ti", "s_ti"} {
		h.ok(h.s.PutUser(h.ctx, user("odd"+string(rune('a'+i)), name)))
	}
	same(h, "the exact one", must(h.s.UserByName(h.ctx, "siti"))(h).ID, "u1")

	// Renaming obeys the same rule, and frees the old name.
	u := must(h.s.User(h.ctx, "u3"))(h)
	u.Name = "siTi"
	_, err := h.s.UpdateUser(h.ctx, u)
	h.is(err, classroom.ErrExists)
	same(h, "after the refusal", must(h.s.User(h.ctx, "u3"))(h).Name, "Éloïse")
	u.Name = "Elo"
	must(h.s.UpdateUser(h.ctx, u))(h)
	_, err = h.s.UserByName(h.ctx, "Éloïse")
	h.is(err, classroom.ErrNotFound)
	h.ok(h.s.PutUser(h.ctx, user("u5", "éloïse")))
	// Its own name in another case is no clash.
	u = must(h.s.User(h.ctx, "u1"))(h)
	u.Name = "SITI"
	must(h.s.UpdateUser(h.ctx, u))(h)
}

func testLoginSessions(h *harness) {
	// The store asks the real clock whether one has expired.
	now := time.Now().UTC().Truncate(time.Millisecond)
	login := func(id, user string, expires time.Duration) classroom.LoginSession {
		return classroom.LoginSession{ID: id, UserID: user, CreatedAt: now.Add(-48 * time.Hour), ExpiresAt: now.Add(expires),
			UserAgent: "Mozilla/5.0", Addr: "[2001:db8::1]:5000"}
	}
	a, b, c := login("a", "u1", time.Hour), login("b", "u1", 2*time.Hour), login("c", "u2", time.Hour)
	old := login("old", "u1", -time.Hour)
	for _, l := range []classroom.LoginSession{a, b, c, old} {
		h.ok(h.s.PutLoginSession(h.ctx, l))
	}
	h.is(h.s.PutLoginSession(h.ctx, login("a", "u9", time.Hour)), classroom.ErrExists)
	same(h, "a login", must(h.s.LoginSession(h.ctx, "a"))(h), a)
	_, err := h.s.LoginSession(h.ctx, "old")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.LoginSession(h.ctx, "none")
	h.is(err, classroom.ErrNotFound)
	ids := func(user string) map[string]bool {
		m := map[string]bool{}
		for _, l := range must(h.s.LoginSessions(h.ctx, user))(h) {
			m[l.ID] = true
		}
		delete(m, "old") // whether an expired one is listed is left open
		return m
	}
	same(h, "logins of u1", ids("u1"), map[string]bool{"a": true, "b": true})

	same(h, "swept", must(h.s.Sweep(h.ctx, now))(h), 1)
	same(h, "swept again", must(h.s.Sweep(h.ctx, now))(h), 0)
	same(h, "logins left", ids("u1"), map[string]bool{"a": true, "b": true})

	h.ok(h.s.DeleteLoginSessionsOf(h.ctx, "u1", "b"))
	same(h, "logins but the spared", ids("u1"), map[string]bool{"b": true})
	same(h, "another's login", ids("u2"), map[string]bool{"c": true})
	h.ok(h.s.DeleteLoginSessionsOf(h.ctx, "u1", ""))
	same(h, "logins at last", ids("u1"), map[string]bool{})
	h.ok(h.s.DeleteLoginSession(h.ctx, "c"))
	h.ok(h.s.DeleteLoginSession(h.ctx, "c"))
	_, err = h.s.LoginSession(h.ctx, "c")
	h.is(err, classroom.ErrNotFound)
}

func testSettings(h *harness) {
	_, err := h.s.Setting(h.ctx, "key")
	h.is(err, classroom.ErrNotFound)
	h.is(h.s.DeleteSetting(h.ctx, "key"), classroom.ErrNotFound)
	value := []byte{0, 1, 2, 255, 0}
	same(h, "what was put", must(h.s.PutSettingOnce(h.ctx, "key", value))(h), value)
	value[0] = 9 // the store has its own copy
	want := []byte{0, 1, 2, 255, 0}
	same(h, "what is stored", must(h.s.Setting(h.ctx, "key"))(h), want)
	same(h, "what a second one is told", must(h.s.PutSettingOnce(h.ctx, "key", []byte("other")))(h), want)
	same(h, "what stays stored", must(h.s.Setting(h.ctx, "key"))(h), want)
	h.ok(h.s.DeleteSetting(h.ctx, "key"))
	h.is(h.s.DeleteSetting(h.ctx, "key"), classroom.ErrNotFound)
	same(h, "after deletion", must(h.s.PutSettingOnce(h.ctx, "key", []byte("other")))(h), []byte("other"))
	same(h, "an empty value's length", len(must(h.s.PutSettingOnce(h.ctx, "empty", nil))(h)), 0)
	same(h, "an empty value's length", len(must(h.s.Setting(h.ctx, "empty"))(h)), 0)
	h.ok(h.s.Ping(h.ctx))
}
