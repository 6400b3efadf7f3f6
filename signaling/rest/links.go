package rest

import (
	"net/http"
	"net/url"
	"time"

	"kelas/signaling/auth"
)

type joinLinkNew struct {
	Role       string     `json:"role" enum:"presenter,moderator,viewer" doc:"What who follows it may do"`
	Name       string     `json:"name,omitempty" max:"64" doc:"Of the one person that it is for; without it and externalId it is an invitation for many, who say their names"`
	ExternalID string     `json:"externalId,omitempty" max:"128" pattern:"^[!-~\u0080-\U0010FFFF]*$" doc:"The person's id in your system: the same id is the same participant, over all links"`
	ExpiresIn  *int       `json:"expiresIn,omitempty" min:"60" max:"31622400" doc:"How long it opens, in seconds; 7200 when absent. Who is in stays in"`
	NotBefore  *time.Time `json:"notBefore,omitempty" doc:"It does not open sooner"`
	Once       bool       `json:"once,omitempty" doc:"It opens one browser only, which may load it again"`
}

type joinLink struct {
	URL       string    `json:"url" format:"uri" doc:"To be opened by the person's browser"`
	Token     string    `json:"token" doc:"The join token in it, a JWT signed with EdDSA (keys: /.well-known/jwks.json); Socket.IO, WHIP and WHEP take it by itself"`
	Role      string    `json:"role" enum:"presenter,moderator,viewer" doc:"What who follows it may do"`
	ExpiresAt time.Time `json:"expiresAt" doc:"When it stops opening"`
}

func linkOperations() []operation {
	return []operation{
		define(operation{method: "POST", path: "/classes/{class}/join-links", id: "createJoinLink", tag: "links", scope: "links:write",
			summary: "Make a join link", about: "It cannot be taken back before it expires; locking the class or removing its holder works at once.",
			status: http.StatusCreated, creates: true, problems: []int{404}}, createJoinLink),
	}
}

// linkTTL is how long a link opens when nothing is said.
const linkTTL = 2 * time.Hour

func createJoinLink(c *call, p classPath, b joinLinkNew) (joinLink, error) {
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return joinLink{}, err
	}
	claims := auth.JoinClaims{ClassID: l.ID, Role: b.Role, Name: b.Name, ExternalID: b.ExternalID, Once: b.Once,
		Expires: c.door.cfg.Now().Add(linkTTL).UTC().Truncate(time.Second)}
	if b.ExpiresIn != nil {
		claims.Expires = claims.Expires.Add(time.Duration(*b.ExpiresIn)*time.Second - linkTTL)
	}
	if b.NotBefore != nil {
		claims.NotBefore = *b.NotBefore
		if !claims.NotBefore.Before(claims.Expires) {
			return joinLink{}, &invalid{[]complaint{{Pointer: "/notBefore", Detail: "is not before the expiry"}}}
		}
	}
	token, err := c.door.d.Signer.Join(claims)
	if err != nil {
		return joinLink{}, err
	}
	return joinLink{URL: c.origin() + "/c/" + l.ID + "?token=" + url.QueryEscape(token), Token: token, Role: b.Role,
		ExpiresAt: claims.Expires}, nil
}
