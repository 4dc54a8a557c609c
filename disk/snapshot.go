package disk

import "github.com/belayhq/belay/service"

const snapshotFile = "organisation.json"

// Save keeps the organisation.
func (s Shelf) Save(kept service.Snapshot) error { return s.write(snapshotFile, kept) }

// Load answers what was saved last. fault.NotFound when nothing was.
func (s Shelf) Load() (service.Snapshot, error) {
	var kept service.Snapshot
	err := s.read(snapshotFile, &kept)
	return kept, err
}
