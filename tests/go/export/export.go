package counter

// This file is tallymark's own. The oracle's recipe lays it beside the shipped
// sources in a scratch copy, because what it hands out is not exported there.
// It adds no behaviour: each method is a call of the shipped code.

// An Opened is one counter file, mapped and ready to count, without the
// process-wide machinery (registration, rotation, handle states) around it.
type Opened struct {
	mapped *mappedFile
}

// OpenFile opens the counter file at path, making it when it is missing.
// The metadata must be the text that is, or is to be, in the file.
func OpenFile(path, metadata string) (*Opened, error) {
	mapped, err := openMapped(path, metadata)
	if err != nil {
		return nil, err
	}
	return &Opened{mapped}, nil
}

// Add adds amount to the named counter, which is allocated when it is new even
// if amount is zero, and returns the value afterwards.
func (o *Opened) Add(name string, amount uint64) (uint64, error) {
	value, grown, err := o.mapped.newCounter(name)
	if err != nil {
		return 0, err
	}
	if grown != nil {
		o.mapped.close()
		o.mapped = grown
	}
	handle := Counter{name: name, ptr: counterPtr{o.mapped, value}}
	return handle.add(amount), nil
}

// Close unmaps and closes the file.
func (o *Opened) Close() {
	o.mapped.close()
}
