package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

// Feed is a calendar link of a person, as it is kept: its secret is known to whoever was given the link.
type Feed struct {
	ID        string
	Person    id.Person
	Schedule  id.Schedule // empty: all shifts of the person
	CreatedAt time.Time
}

// FeedBook keeps feeds, by the SHA-256 of their secret.
type FeedBook interface {
	Create(ctx context.Context, f Feed, hash []byte, deed Deed) error
	Find(ctx context.Context, hash []byte) (Feed, error) // fault.NotFound; revoked ones are not found
	List(ctx context.Context, p id.Person) ([]Feed, error)
	Revoke(ctx context.Context, feed string, p id.Person, deed Deed) error // fault.NotFound for another's
}

// Feeds let calendars of others read shifts by a link that can be revoked.
type Feeds struct {
	Book         FeedBook
	Organisation Organisation
	OnCall       *OnCall
	Access       Access
	Now          func() time.Time
}

// FeedShift is a shift with the schedule that it is of.
type FeedShift struct {
	Schedule org.Schedule
	oncall.Shift
	Name string // of the person
}

const (
	mostFeeds  = 20
	feedBack   = 30 * 24 * time.Hour
	feedAhead  = 180 * 24 * time.Hour
	feedPrefix = "blf_"
)

// Create makes a link for the caller, who must be somebody of the blueprint, and answers its secret.
func (f *Feeds) Create(ctx context.Context, c Caller, s id.Schedule) (Feed, string, error) {
	if err := f.mine(c); err != nil {
		return Feed{}, "", err
	}
	if _, ok := f.Organisation.Current().Org.Schedules[s]; s != "" && !ok {
		return Feed{}, "", fault.Field("schedule", "there is no schedule %q", s)
	}
	held, err := f.Book.List(ctx, c.Person)
	if err != nil {
		return Feed{}, "", err
	}
	if len(held) >= mostFeeds {
		return Feed{}, "", fault.New(fault.Conflict, "you have %d calendar links: revoke one first", len(held))
	}
	secret := feedPrefix + rand.Text() + rand.Text()
	made := Feed{ID: "feed_" + rand.Text()[:16], Person: c.Person, Schedule: s, CreatedAt: f.Now()}
	deed := f.deed(c, "feed.create", made.ID)
	deed.Detail = map[string]string{"schedule": string(s)}
	if err := f.Book.Create(ctx, made, hashed(secret), deed); err != nil {
		return Feed{}, "", fmt.Errorf("keep a calendar link: %w", err)
	}
	return made, secret, nil
}

func (f *Feeds) mine(c Caller) error {
	if err := f.Access.May(c, Read); err != nil {
		return err
	}
	if c.Person == "" || !ours(f.Organisation, c.Person) {
		return fault.New(fault.Denied, "calendar links belong to people of the blueprint, and you are signed in as nobody of it")
	}
	return nil
}

// List answers the caller's own.
func (f *Feeds) List(ctx context.Context, c Caller) ([]Feed, error) {
	if err := f.mine(c); err != nil {
		return nil, err
	}
	return f.Book.List(ctx, c.Person)
}

// Revoke ends one of the caller's own.
func (f *Feeds) Revoke(ctx context.Context, c Caller, feed string) error {
	if err := f.mine(c); err != nil {
		return err
	}
	return f.Book.Revoke(ctx, feed, c.Person, f.deed(c, "feed.revoke", feed))
}

func (f *Feeds) deed(c Caller, action, feed string) Deed {
	return Deed{At: f.Now(), Actor: c.Actor(), Via: c.Via, Action: action, Subject: "feed " + feed}
}

// Read answers what a link shows: from 30 days ago to 180 days ahead. fault.Denied for a link that is not known, was
// revoked, or whose person has left.
func (f *Feeds) Read(ctx context.Context, secret string) (Feed, []FeedShift, error) {
	feed, err := f.Book.Find(ctx, hashed(secret))
	if fault.Is(err, fault.NotFound) {
		return Feed{}, nil, fault.New(fault.Denied, "this calendar link is not known or was revoked")
	}
	if err != nil {
		return Feed{}, nil, err
	}
	if !ours(f.Organisation, feed.Person) {
		return Feed{}, nil, fault.New(fault.Denied, "this calendar link belongs to somebody who has left")
	}
	now := f.Now().Truncate(24 * time.Hour)
	all, err := f.OnCall.between(ctx, feed.Schedule, now.Add(-feedBack), now.Add(feedAhead))
	if err != nil {
		return Feed{}, nil, err
	}
	var shown []FeedShift
	for _, s := range all {
		if s.Person != "" && (feed.Schedule != "" || s.Person == feed.Person) {
			shown = append(shown, s)
		}
	}
	return feed, shown, nil
}
