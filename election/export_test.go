package election

import "time"

// SetWall replaces the clock of the records' times.
func (e *Elector) SetWall(wall func() time.Time) { e.wall = wall }
