package auth

import (
	"errors"
	"sync"
	"testing"
	"time"
)

func (h *house) try(t testing.TB, name, pw, addr, device string) error {
	t.Helper()
	_, err := h.Accounts.Login(t.Context(), LoginRequest{Name: name, Password: pw, Addr: addr, Device: device})
	return err
}

func TestLoginTellsNothingApart(t *testing.T) {
	h := newHouse(t, Config{})
	h.add(t, "sari", AccountTeacher)
	off := h.add(t, "joko", AccountTeacher)
	if _, err := h.SetDisabled(t.Context(), Account{ID: "other"}, off.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"sari", "wrong password"}, {"nobody", goodPassword}, {"joko", goodPassword}, {"", ""}, {"a\x00", "x"}} {
		if err := h.try(t, c[0], c[1], "192.0.2.1", ""); err == nil || err.Error() != ErrCredentials.Error() {
			t.Errorf("%q: %v", c[0], err)
		}
	}
	if err := h.try(t, "SARI", goodPassword, "192.0.2.1", ""); err != nil {
		t.Error("the case of a name must not matter:", err)
	}
}

func TestGuessingIsLimitedForAnAccountAndForgiven(t *testing.T) {
	h := newHouse(t, Config{AccountBurst: 3, AccountInterval: time.Minute})
	h.add(t, "sari", AccountTeacher)
	known := h.enter(t, "sari") // a good log-in costs nothing
	for i := range 3 {
		if err := h.try(t, "sari", "wrong", "192.0.2.9", ""); !errors.Is(err, ErrCredentials) {
			t.Fatal(i, err)
		}
	}
	var tooMany *TooManyError
	if err := h.try(t, "Sari", goodPassword, "198.51.100.7", ""); !errors.As(err, &tooMany) || tooMany.Wait <= 0 || tooMany.Wait > time.Minute {
		t.Fatal("not limited, or without a clear wait:", err)
	}
	if err := h.try(t, "sari", goodPassword, "192.0.2.1", known.Device); err != nil {
		t.Fatal("a stranger's guesses lock the owner's own browser out:", err)
	}
	if err := h.try(t, "sari", goodPassword, "192.0.2.1", known.Device+"x"); !errors.As(err, &tooMany) {
		t.Fatal("a made-up device cookie opens the limit:", err)
	}
	h.clock.advance(tooMany.Wait)
	if err := h.try(t, "sari", goodPassword, "192.0.2.1", ""); err != nil {
		t.Fatal("still locked after the wait that was told:", err)
	}
}

func TestGuessingIsLimitedForAnAddress(t *testing.T) {
	h := newHouse(t, Config{AddressBurst: 4, AddressInterval: time.Minute})
	h.add(t, "sari", AccountTeacher)
	for i, name := range []string{"a", "b", "c", "d"} {
		// One household has a whole /64.
		addr := []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::ffff"}[i]
		if err := h.try(t, name, "wrong", addr, ""); !errors.Is(err, ErrCredentials) {
			t.Fatal(err)
		}
	}
	var tooMany *TooManyError
	if err := h.try(t, "sari", goodPassword, "2001:db8::5", ""); !errors.As(err, &tooMany) {
		t.Fatal(err)
	}
	if err := h.try(t, "sari", goodPassword, "2001:db8:1::1", ""); err != nil {
		t.Fatal("another address is limited too:", err)
	}
}

func TestGuessesAtOnceDoNotSlipThrough(t *testing.T) {
	h := newHouse(t, Config{AccountBurst: 3, AccountInterval: time.Hour, HashWaiting: 100})
	h.add(t, "sari", AccountTeacher)
	var mu sync.Mutex
	checked := 0
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			_, err := h.Accounts.Login(t.Context(), LoginRequest{Name: "sari", Password: "wrong", Addr: "192.0.2.1"})
			if errors.Is(err, ErrCredentials) {
				mu.Lock()
				checked++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if checked != 3 {
		t.Fatalf("%d guesses were checked instead of 3", checked)
	}
}

func TestAFloodOfLoginsIsTurnedAway(t *testing.T) {
	h := newHouse(t, Config{HashParallel: 1, HashWaiting: 1})
	h.add(t, "sari", AccountTeacher)
	first, err := h.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.waiting <- struct{}{} // one more waits
	if err := h.try(t, "sari", goodPassword, "192.0.2.1", ""); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	<-h.waiting
	first()
	if err := h.try(t, "sari", goodPassword, "192.0.2.1", ""); err != nil {
		t.Fatal("the place was not given back:", err)
	}
}

func TestSessionsEnd(t *testing.T) {
	h := newHouse(t, Config{LoginTTL: time.Hour})
	sari := h.add(t, "sari", AccountTeacher)
	alive := func(token string) bool {
		_, _, err := h.Session(t.Context(), token)
		if err != nil && !errors.Is(err, ErrNotLoggedIn) {
			t.Fatal(err)
		}
		return err == nil
	}
	one, two, three := h.enter(t, "sari"), h.enter(t, "sari"), h.enter(t, "sari")
	if _, ok := h.store.logins[one.Token]; ok {
		t.Fatal("the token itself is in the store")
	}
	if alive("") || alive("x") || alive(one.Token[:42]+"A") && alive(one.Token[:42]+"B") {
		t.Fatal("a made-up token is a session")
	}
	if err := h.Logout(t.Context(), three.Token); err != nil || alive(three.Token) || !alive(one.Token) {
		t.Fatal("log-out", err)
	}
	if err := h.ChangePassword(t.Context(), sari, tokenID(one.Token), "wrong", "another fine one"); !errors.Is(err, ErrCredentials) {
		t.Fatal(err)
	}
	if err := h.ChangePassword(t.Context(), sari, tokenID(one.Token), goodPassword, "short"); !errors.Is(err, ErrPasswordShort) {
		t.Fatal(err)
	}
	if err := h.ChangePassword(t.Context(), sari, tokenID(one.Token), goodPassword, "another fine one"); err != nil {
		t.Fatal(err)
	}
	if !alive(one.Token) || alive(two.Token) {
		t.Fatal("a change of password ends the other sessions and only them")
	}
	if err := h.try(t, "sari", goodPassword, "192.0.2.1", ""); !errors.Is(err, ErrCredentials) {
		t.Fatal("the old password still works:", err)
	}
	h.clock.advance(time.Hour)
	if alive(one.Token) {
		t.Fatal("a session outlives its time")
	}
}

func TestResetAndDisableEndSessions(t *testing.T) {
	h := newHouse(t, Config{})
	admin, budi := h.add(t, "admin-one", AccountAdmin), h.add(t, "budi", AccountStudent)
	in := h.enter(t, "budi")
	_, pw, err := h.ResetPassword(t.Context(), budi.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Session(t.Context(), in.Token); !errors.Is(err, ErrNotLoggedIn) {
		t.Fatal(err)
	}
	if err := h.try(t, "budi", pw, "192.0.2.1", ""); err != nil {
		t.Fatal("the new password does not work:", err)
	}
	if _, err := h.SetDisabled(t.Context(), admin, admin.ID, true); !errors.Is(err, ErrSelf) {
		t.Fatal("the last administrator locks itself out:", err)
	}
	if _, err := h.SetDisabled(t.Context(), admin, budi.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.try(t, "budi", pw, "192.0.2.1", ""); !errors.Is(err, ErrCredentials) {
		t.Fatal(err)
	}
}

func TestCreateRefuses(t *testing.T) {
	h := newHouse(t, Config{})
	h.add(t, "sari", AccountTeacher)
	good := NewAccount{Name: "new", Role: AccountStudent, Password: goodPassword}
	for want, change := range map[error]func(*NewAccount){
		ErrNameTaken: func(n *NewAccount) { n.Name = "SARI" }, ErrNameInvalid: func(n *NewAccount) { n.Name = " " },
		ErrRoleInvalid: func(n *NewAccount) { n.Role = "root" }, ErrPasswordShort: func(n *NewAccount) { n.Password = "x" },
		ErrLanguageInvalid: func(n *NewAccount) { n.Language = "xx" },
	} {
		n := good
		change(&n)
		if _, err := h.Create(t.Context(), n); !errors.Is(err, want) {
			t.Errorf("%v instead of %v", err, want)
		}
	}
}

func TestSetupLinkWorksOnce(t *testing.T) {
	h := newHouse(t, Config{})
	old, err := h.NewSetupCode(t.Context())
	if err != nil || old == "" {
		t.Fatal(old, err)
	}
	code, err := h.NewSetupCode(t.Context()) // the server started again
	if err != nil || code == old {
		t.Fatal(err)
	}
	n := NewAccount{Name: "sari", Password: goodPassword}
	for _, wrong := range []string{"", old, code[:42] + "_", "x"} {
		if _, err := h.Setup(t.Context(), wrong, n, LoginRequest{}); !errors.Is(err, ErrSetupClosed) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := h.Setup(t.Context(), code, NewAccount{Name: "sari", Password: "x"}, LoginRequest{}); !errors.Is(err, ErrPasswordShort) {
		t.Fatal(err)
	}
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			in, err := h.Setup(t.Context(), code, NewAccount{Name: "sari" + string(rune('a'+i)), Password: goodPassword}, LoginRequest{})
			if err == nil && in.Account.Role == AccountAdmin {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, ErrSetupClosed) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, _ := h.store.CountAccounts(t.Context()); won != 1 || n != 1 {
		t.Fatalf("%d racers won, %d accounts", won, n)
	}
	if again, err := h.NewSetupCode(t.Context()); again != "" || err != nil {
		t.Fatal("a set-up link although there is an account", err)
	}
}

func TestSetupClosesWhenAnAccountCameByOtherWays(t *testing.T) {
	h := newHouse(t, Config{})
	code, err := h.NewSetupCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.add(t, "sari", AccountTeacher) // by the command line
	if err := h.CheckSetupCode(t.Context(), code); !errors.Is(err, ErrSetupClosed) {
		t.Fatal(err)
	}
}

func TestLimiterStaysBounded(t *testing.T) {
	l := newLimiter(1, time.Hour, 100)
	now := time.Now()
	for i := range 5000 {
		l.take(string(rune(i)), now)
	}
	if len(l.full) > 100 {
		t.Fatal(len(l.full))
	}
}

func TestFormTokens(t *testing.T) {
	h := newHouse(t, Config{})
	one, two := NewBrowser(), NewBrowser()
	token := h.signer.FormToken(one, "login")
	if err := h.signer.CheckFormToken(token, one, "login"); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{{token, two, "login"}, {token, one, "other"}, {token, one, ""}, {"", one, "login"}, {token + "x", one, "login"}, {h.signer.FormToken("", ""), "", ""}} {
		if err := h.signer.CheckFormToken(c[0], c[1], c[2]); !errors.Is(err, ErrCSRF) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
