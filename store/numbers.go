package store

// Memory of the store is found by number, and 0 is no number. So the garbage collector has few
// pointers to follow, and a number takes half of a pointer's room.

// chunks is an array that grows without being copied, and so has little room to spare.
type chunks[T any] struct{ list [][]T }

// chunkLen makes chunks of strings fill 4,096 bytes with the header of 8 that the allocator gives
// them, and other chunks hardly less than the allocator's sizes.
const chunkLen = 255

func (c *chunks[T]) at(i uint32) *T { return &c.list[i/chunkLen][i%chunkLen] }

func (c *chunks[T]) len() int {
	if len(c.list) == 0 {
		return 0
	}
	last := len(c.list) - 1
	return last*chunkLen + len(c.list[last])
}

// push appends v. The first chunk doubles until it is full: most stores are small.
func (c *chunks[T]) push(v T) {
	last := len(c.list) - 1
	if last < 0 || len(c.list[last]) == chunkLen {
		size := chunkLen
		if last < 0 {
			size = 15
		}
		c.list = append(c.list, make([]T, 0, size))
		last++
	}
	chunk := c.list[last]
	if len(chunk) == cap(chunk) {
		chunk = append(make([]T, 0, min(2*cap(chunk)+1, chunkLen)), chunk...)
	}
	c.list[last] = append(chunk, v)
}

// reach makes sure that there is an element i.
func (c *chunks[T]) reach(i uint32) {
	var zero T
	for c.len() <= int(i) {
		c.push(zero)
	}
}

// records are things that have a number. The zero value is empty.
type records[T any] struct {
	at   []*T     // by number; nil: the number is free
	free []uint32 // numbers
}

// add gives r a number.
func (r *records[T]) add(v *T) (number uint32) {
	if len(r.at) == 0 {
		r.at = append(r.at, nil) // 0 is no number
	}
	if last := len(r.free) - 1; last >= 0 {
		number = r.free[last]
		r.free = r.free[:last]
		r.at[number] = v
		return number
	}
	r.at = append(r.at, v)
	return uint32(len(r.at) - 1)
}

// remove frees a number.
func (r *records[T]) remove(number uint32) {
	r.at[number] = nil
	r.free = append(r.free, number)
}

func (r *records[T]) len() int { return max(0, len(r.at)-1-len(r.free)) }

// shrinkAbove is how much room is not worth giving back, in elements; shrinkAt, that all others are
// given back when only one in so many is used.
const (
	shrinkAbove = 256
	shrinkAt    = 4
)

// sparse reports whether room for so many elements is to be given back when n of them are used.
func sparse(n, room int) bool { return room > shrinkAbove && n < room/shrinkAt }

// sparse reports whether most numbers are free.
func (r *records[T]) sparse() bool { return sparse(r.len(), len(r.at)) }

// renumber gives all records new numbers, without gaps, and calls moved with each number that has
// become another.
func (r *records[T]) renumber(moved func(v *T, from, to uint32)) {
	all := make([]*T, 1, 1+r.len())
	for number, v := range r.at {
		if v != nil {
			all = append(all, v)
			if to := len(all) - 1; to != number {
				moved(v, uint32(number), uint32(to))
			}
		}
	}
	r.at, r.free = all, nil
}
