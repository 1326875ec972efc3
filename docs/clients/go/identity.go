package clerksync

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Identity is who calls, as the proxy with forward auth says. What it does not say is empty.
type Identity struct {
	UserID, ClerkUserID, Email, Role, Tier, OrgID, OrgRole, ActorID string
}

var (
	ofIdentity = regexp.MustCompile(`^x-(user|clerk|session|org|actor)-`)
	ofUser     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// IdentityOf reads it off a request. It fails for whatever cannot come from one of the proxies, which are addresses
// without a port; without any, the proxy is on this machine.
func IdentityOf(request *http.Request, proxies ...string) (Identity, error) {
	peer, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil || !among(peer, proxies) {
		return Identity{}, errors.New("the request did not come through the proxy")
	}
	found := map[string]string{}
	for name, values := range request.Header {
		// Some applications read X_User_Id as X-User-Id: what is there twice is nobody's.
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if !ofIdentity.MatchString(name) {
			continue
		}
		if _, twice := found[name]; twice || len(values) != 1 {
			return Identity{}, fmt.Errorf("%s is there twice", name)
		}
		if found[name], err = url.PathUnescape(values[0]); err != nil {
			return Identity{}, fmt.Errorf("%s cannot be read", name)
		}
	}
	if !ofUser.MatchString(found["x-user-id"]) {
		return Identity{}, errors.New("the proxy names no user: is forward auth on for this path?")
	}
	return Identity{
		UserID: found["x-user-id"], ClerkUserID: found["x-clerk-user-id"], Email: found["x-user-email"],
		Role: found["x-user-role"], Tier: found["x-user-tier"],
		OrgID: found["x-org-id"], OrgRole: found["x-org-role"], ActorID: found["x-actor-id"],
	}, nil
}

func among(peer string, proxies []string) bool {
	if len(proxies) == 0 {
		proxies = []string{"127.0.0.1", "::1"}
	}
	for _, proxy := range proxies {
		if peer == proxy {
			return true
		}
	}
	return false
}
