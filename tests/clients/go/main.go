// The client of docs/clients/go, as its readers use it, against the service.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"time"

	"example.com/clerksync"
)

var (
	ctx     = context.Background()
	service = os.Getenv("SERVICE_ORIGIN")
	user    = os.Getenv("USER_ID")
	token   = os.Getenv("USER_TOKEN")
	old     = os.Getenv("EXPIRED_TOKEN")
)

const me = "/api/v1/auth/me"

func check(name string, truth bool, more ...any) {
	if !truth {
		fmt.Println(append([]any{"FAIL", name}, more...)...)
		os.Exit(1)
	}
	fmt.Println("ok  ", name)
}

// Gives these tokens one after another, and the last one for ever.
func tokens(all ...string) clerksync.TokenSource {
	return func(context.Context) (string, error) {
		first := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return first, nil
	}
}

func isProblem(err error, status int, code string) bool {
	var problem *clerksync.Problem
	return errors.As(err, &problem) && problem.Status == status && problem.Code == code
}

type row struct {
	ID          string `json:"id"`
	ClerkUserID string `json:"clerk_user_id"`
	Email       string `json:"email"`
	Role        string `json:"role"`
	FirstName   string `json:"first_name"`
}

func main() {
	caller := clerksync.New(service, tokens(token))
	var pauses []time.Duration
	wait := caller.Sleep
	sleep := func(ctx context.Context, pause time.Duration) error {
		pauses = append(pauses, pause)
		return wait(ctx, pause)
	}
	caller.Sleep = sleep
	var own row
	err := caller.Request(ctx, http.MethodGet, me, nil, &own)
	check("/me is the caller", err == nil && own.ClerkUserID == user, err)

	forwardAuth(own)

	var again row
	err = clerksync.New(service, tokens(old, token)).Request(ctx, http.MethodGet, me, nil, &again)
	check("an expired token is renewed once", err == nil && again.ID == own.ID, err)
	err = clerksync.New(service, tokens(old)).Request(ctx, http.MethodGet, me, nil, nil)
	check("and not for ever", isProblem(err, 401, "token_expired"), err)
	err = caller.Request(ctx, http.MethodGet, "/api/v1/listings/0197a0c4-2222-7c3a-9f00-3d2c1b0a9e8f", nil, nil)
	check("a problem has its code", isProblem(err, 404, "resource_not_found"), err)

	for call := 0; call < 12; call++ {
		err = caller.Request(ctx, http.MethodGet, me, nil, nil)
		check("a call", err == nil, err)
	}
	check("a limit of calls is waited for", len(pauses) > 0)

	away()
	feed(sleep)
}

func forwardAuth(own row) {
	request, err := http.NewRequest(http.MethodGet, service+"/api/v1/auth/verify", nil)
	check("a request", err == nil, err)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	check("forward auth answers", err == nil && answer.StatusCode == 200, err)
	answer.Body.Close()
	arrived := httptest.NewRequest(http.MethodGet, "/", nil)
	arrived.Header = answer.Header.Clone()
	arrived.RemoteAddr = "127.0.0.1:4000"
	known, err := clerksync.IdentityOf(arrived)
	check("forward auth names the caller", err == nil && known.UserID == own.ID && known.ClerkUserID == user, err)
	check("with what /me says", known.Email == own.Email && known.Role == own.Role)
	_, err = clerksync.IdentityOf(arrived, "192.0.2.7")
	check("no proxy", err != nil)
	arrived.Header.Set("X-Org-Role", "a%2Cb")
	known, err = clerksync.IdentityOf(arrived)
	check("values are decoded", err == nil && known.OrgRole == "a,b", err)
	arrived.Header["X_user_role"] = []string{"admin"}
	_, err = clerksync.IdentityOf(arrived)
	check("a header that is there twice", err != nil && strings.Contains(err.Error(), "twice"), err)
	arrived.Header = http.Header{}
	_, err = clerksync.IdentityOf(arrived)
	check("no user", err != nil)
}

func away() {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		asked++
		out.Header().Set("Retry-After", "7")
		if in.URL.Path == "/always" || asked < 3 {
			out.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(out, `{"code": "store_unavailable", "title": "away"}`)
			return
		}
		fmt.Fprint(out, `{"back": true}`)
	}))
	defer server.Close()
	var waited []time.Duration
	patient := clerksync.New(server.URL, tokens("any"))
	patient.Sleep = func(_ context.Context, pause time.Duration) error {
		waited = append(waited, pause)
		return nil
	}
	err := patient.Request(ctx, http.MethodGet, "/", nil, nil)
	seven := 7 * time.Second
	check("503 is waited for as long as it says", err == nil && reflect.DeepEqual(waited, []time.Duration{seven, seven}), err, waited)
	for method, times := range map[string]int{http.MethodGet: 5, http.MethodPost: 1} {
		asked = 0
		err = patient.Request(ctx, method, "/always", nil, nil)
		check("but not for ever: "+method, isProblem(err, 503, "store_unavailable") && asked == times, err, asked)
	}
}

func feed(sleep func(context.Context, time.Duration) error) {
	var last int64
	name := ""
	read := errors.New("read far enough")
	reader := clerksync.New(service, tokens(os.Getenv("SERVICE_TOKEN")))
	reader.Sleep = sleep
	until := func(after string, wanted func() bool) string {
		err := reader.Changes(ctx, after, func(items []clerksync.Change, cursor string) error {
			for _, item := range items {
				var number int64
				_, err := fmt.Sscan(item.Cursor, &number)
				if err != nil || number <= last {
					return fmt.Errorf("%s comes after %d", item.Cursor, last)
				}
				last = number
				if item.Kind == "user" && item.ID == user {
					var told row
					if err := json.Unmarshal(item.Data, &told); err != nil {
						return err
					}
					name = told.FirstName
				}
			}
			after = cursor
			if wanted() {
				return read
			}
			return nil
		})
		check("the feed is read", errors.Is(err, read), err)
		return after
	}
	cursor := until("", func() bool { return name != "" })
	change := strings.NewReader(`{"first_name": "Grace"}`)
	patch, err := http.NewRequest(http.MethodPatch, os.Getenv("EMULATOR_ORIGIN")+"/v1/users/"+user, change)
	check("a change", err == nil, err)
	patch.Header.Set("Authorization", "Bearer "+os.Getenv("EMULATOR_SECRET_KEY"))
	patch.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(patch)
	check("is made", err == nil && answer.StatusCode == 200, err)
	answer.Body.Close()
	until(cursor, func() bool { return name == "Grace" })
	check("the feed goes on behind the cursor, in order, without repeating", true)
}
