package static

import "embed"

// FS holds what the pages load: css, js, i18n, img and third-party, each at
// its own path. The unit tests beside the scripts are not in it, which is why
// the scripts are listed by their ending.
//
//go:embed css/*.css js/*.js js/ui/*.js i18n/*.json img all:third-party
var FS embed.FS
