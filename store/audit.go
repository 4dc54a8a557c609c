package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// Audit is the trail of deeds. Every change of this package writes its own; Audit reads them, and takes those that
// change nothing here.
type Audit struct{ Pool *pgxpool.Pool }

// Write adds a deed.
func (a Audit) Write(ctx context.Context, deed service.Deed) error {
	return faulty(sqlc.New(a.Pool).WriteAudit(ctx, auditRow(deed)), "write the deed %s of %s", deed.Action, deed.Actor)
}

// List returns deeds, newest first; with a subject only those done to it. Limit is 1 to 1000; 0 is 100.
func (a Audit) List(ctx context.Context, subject string, lim int) ([]service.Deed, error) {
	rows, err := sqlc.New(a.Pool).ListAudit(ctx, text(subject), limit(lim, 100, 1000))
	if err != nil {
		return nil, faulty(err, "list the audit trail")
	}
	deeds := make([]service.Deed, len(rows))
	for i, r := range rows {
		deeds[i] = service.Deed{At: r.At, Actor: r.Actor, Via: r.Via, Action: r.Action, Subject: r.Subject, Reason: r.Reason}
		if err := json.Unmarshal(r.Detail, &deeds[i].Detail); err != nil {
			return nil, fmt.Errorf("read the detail of the deed %s: %w", r.Action, err)
		}
	}
	return deeds, nil
}

func auditRow(d service.Deed) sqlc.WriteAuditParams {
	detail := []byte("{}")
	if len(d.Detail) > 0 {
		detail, _ = document(d.Detail) // a map of strings has a JSON form
	}
	return sqlc.WriteAuditParams{
		At: d.At, Actor: text(d.Actor), Via: text(d.Via), Action: text(d.Action), Subject: text(d.Subject),
		Reason: text(d.Reason), Detail: detail,
	}
}
