package web

import "strings"

// browserName makes "Firefox, Android" of a User-Agent, enough for a person
// to know the own devices. The order matters: every browser names others.
func browserName(ua string) string {
	find := func(table [][2]string) string {
		for _, row := range table {
			if strings.Contains(ua, row[0]) {
				return row[1]
			}
		}
		return ""
	}
	browser := find([][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}})
	system := find([][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"},
		{"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}})
	switch {
	case browser == "" && system == "":
		first, _, _ := strings.Cut(ua, " ")
		return first
	case system == "":
		return browser
	case browser == "":
		return system
	}
	return browser + ", " + system
}
