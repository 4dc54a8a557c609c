package disk

import (
	"fmt"
	"path/filepath"

	"github.com/belayhq/belay/core/fault"
)

const numbersFile = "numbers.json"

// stock is the content of the file.
type stock struct {
	Numbers []int64 `json:"numbers"`
}

// Take strikes the first number off before it answers it, so that nobody gets it again, however we end. none: there is
// no number left.
func (s Shelf) Take() (number int64, none bool, err error) {
	err = s.locked(func() error {
		kept, err := s.stock()
		if err != nil || len(kept.Numbers) == 0 {
			none = err == nil
			return err
		}
		number = kept.Numbers[0]
		return s.write(numbersFile, stock{Numbers: kept.Numbers[1:]})
	})
	return number, none, err
}

// Add keeps further numbers.
func (s Shelf) Add(numbers []int64) error {
	return s.locked(func() error {
		kept, err := s.stock()
		if err != nil {
			return err
		}
		return s.write(numbersFile, stock{Numbers: append(kept.Numbers, numbers...)})
	})
}

// Left is how many numbers there are.
func (s Shelf) Left() (int, error) {
	kept, err := s.stock()
	return len(kept.Numbers), err
}

// stock reads the file. One that nobody can read is none: its numbers are lost, and gaps are fine.
func (s Shelf) stock() (stock, error) {
	var kept stock
	err := s.read(numbersFile, &kept)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return stock{}, nil
	}
	return kept, err
}

// locked runs f while no other process changes the numbers.
func (s Shelf) locked(f func() error) error {
	release, err := lock(filepath.Join(s.Dir, "numbers.lock"))
	if err != nil {
		return fmt.Errorf("lock the numbers: %w", err)
	}
	defer release()
	return f()
}
