package signaling

import (
	"github.com/gin-gonic/gin"

	"kelas/signaling/bbb"
	"kelas/signaling/kurento"
	"kelas/signaling/rest"
	"kelas/signaling/whip"
)

// routes builds gin's engine: every address and who answers it.
func (s *Server) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // gin prints its routes otherwise
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.ForwardedByClientIP = false // the chain has found the address already
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false

	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET("/metrics", s.metrics)
	e.Any("/socket.io/*rest", gin.WrapH(s.d.Socket))
	if s.d.BBB != nil {
		e.Any(bbb.Prefix, gin.WrapH(s.d.BBB))
		e.Any(bbb.Prefix+"/*call", gin.WrapH(s.d.BBB))
	}
	if s.d.WHIP != nil {
		e.Any(whip.PrefixWHIP+"*rest", gin.WrapH(s.d.WHIP))
		e.Any(whip.PrefixWHEP+"*rest", gin.WrapH(s.d.WHIP))
	}
	if s.d.Kurento != nil {
		e.GET(kurento.Path, gin.WrapH(s.d.Kurento))
	}
	s.web.Register(e)
	s.rest.Register(e)
	e.NoRoute(orRest(s.rest.NotFound, s.web.NotFound))
	e.NoMethod(orRest(s.rest.WrongMethod, s.web.WrongMethod))
	return e
}

// orRest leaves what is below the API's prefix to it.
func orRest(api, other gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if rest.Mine(c.Request.URL.Path) {
			api(c)
			return
		}
		other(c)
	}
}
