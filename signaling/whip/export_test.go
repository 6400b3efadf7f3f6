package whip

import "kelas/pipeline"

// Links is one server's Link header.
func Links(url, user, password string) []string {
	return links([]pipeline.ICEServer{{URLs: []string{url}, Username: user, Credential: password}})
}
