package events

// Remembered returns how much the recorder remembers.
func (r *Recorder) Remembered() (entries, objects, groups int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries), len(r.objects), len(r.groups)
}
