package auth

import "crypto/hmac"

// FormToken returns the token that a form or fetch of one browser must carry.
// browser is the random cookie that every browser gets with its first page,
// loginID the log-in session ("" before): a token dies with the log-in.
func (s *Signer) FormToken(browser, loginID string) string {
	return mac(s.form, browser, loginID)
}

// CheckFormToken returns ErrCSRF unless token is FormToken of the same two.
func (s *Signer) CheckFormToken(token, browser, loginID string) error {
	if len(browser) != tokenSize || !hmac.Equal([]byte(token), []byte(s.FormToken(browser, loginID))) {
		return ErrCSRF
	}
	return nil
}

// NewBrowser returns a value for the cookie CookieBrowser.
func NewBrowser() string { return randomToken() }

// ValidBrowser reports whether v has the shape of NewBrowser's values.
func ValidBrowser(v string) bool { return len(v) == tokenSize }
