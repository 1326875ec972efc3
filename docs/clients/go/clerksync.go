// Package clerksync is a client of clerk-sync with Go's standard library alone. Copy it and change what you need.
//
//	client := clerksync.New("https://api.example.com", func(context.Context) (string, error) { return token, nil })
//	var me map[string]any
//	err := client.Request(ctx, http.MethodGet, "/api/v1/auth/me", nil, &me)
package clerksync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	attempts = 5
	// Whatever a server says, nobody waits longer than this for one attempt.
	longestPause = time.Minute
	timeout      = 20 * time.Second
)

// Problem is an answer of 4xx or 5xx. Decide by Code, which is stable; Detail is for people and changes.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	// Instance is the request's id: quote it when you report something.
	Instance string            `json:"instance"`
	Errors   []json.RawMessage `json:"errors"`
	// RetryAfter is nil where the answer does not say.
	RetryAfter *time.Duration `json:"-"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// Change is one line of the change feed.
type Change struct {
	Cursor string          `json:"cursor"`
	Kind   string          `json:"kind"`
	ID     string          `json:"id"`
	Op     string          `json:"op"`
	At     time.Time       `json:"at"`
	Data   json.RawMessage `json:"data"`
}

// TokenSource gives the token for one attempt: Clerk's session tokens live for a minute, so never keep one.
type TokenSource func(context.Context) (string, error)

// Client asks one service in one caller's name.
type Client struct {
	origin string
	token  TokenSource
	http   *http.Client
	// Sleep waits between attempts; tests replace it.
	Sleep func(context.Context, time.Duration) error
}

// New makes a client.
func New(origin string, token TokenSource) *Client {
	return &Client{strings.TrimRight(origin, "/"), token, &http.Client{Timeout: timeout}, pause}
}

// Request sends body, unless it is nil, as JSON and reads the answer into answer, unless that is nil. Errors are *Problem
// where the service answered.
func (c *Client) Request(ctx context.Context, method, path string, body, answer any) error {
	renewed := false
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, method, path, body, answer)
		var problem *Problem
		if !errors.As(err, &problem) {
			return err
		}
		if problem.Code == "token_expired" && !renewed {
			renewed = true
			continue
		}
		wait := time.Second << (attempt - 1)
		if problem.RetryAfter != nil {
			wait = *problem.RetryAfter
		}
		// A limit that ends next month names its day: that is for a person to hear, not to wait for.
		if attempt >= attempts || !mayRepeat(method, problem) || wait > longestPause {
			return err
		}
		if err := c.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, method, path string, body, answer any) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.origin+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		return problemOf(response, text)
	}
	if answer == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// Changes calls take with each page of the change feed, until ctx ends or take fails. Keep the cursor in the same
// transaction as what take made of the items; after a restart begin with it. Items of kinds that you do not know are for
// others: pass over them.
func (c *Client) Changes(ctx context.Context, after string, take func(items []Change, cursor string) error) error {
	for {
		var page struct {
			Items      []Change `json:"items"`
			NextCursor string   `json:"next_cursor"`
		}
		query := url.Values{"after": {after}, "limit": {"500"}}
		if err := c.Request(ctx, http.MethodGet, "/api/v1/changes?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		after = page.NextCursor
		if len(page.Items) == 0 {
			if err := c.Sleep(ctx, time.Second); err != nil {
				return err
			}
		} else if err := take(page.Items, after); err != nil {
			return err
		}
	}
}

// 429 says that nothing was done. After a 503 that is sure only for what changes nothing.
func mayRepeat(method string, problem *Problem) bool {
	reads := method == http.MethodGet || method == http.MethodHead
	return problem.Status == http.StatusTooManyRequests || (problem.Status == http.StatusServiceUnavailable && reads)
}

func problemOf(response *http.Response, text []byte) *Problem {
	problem := &Problem{}
	if json.Unmarshal(text, problem) != nil || problem.Code == "" {
		// A proxy between us has words of its own.
		problem = &Problem{Code: "unknown", Detail: http.StatusText(response.StatusCode)}
	}
	problem.Status = response.StatusCode
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		wait := time.Duration(seconds) * time.Second
		problem.RetryAfter = &wait
	}
	return problem
}

func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
