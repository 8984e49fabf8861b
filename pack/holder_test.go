package pack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// holder is the simplest holder there can be. It finds its objects by their names.
type holder struct {
	t      testing.TB
	packer Packer
	kept   map[string]object
}

type object struct {
	group  *Group
	handle Handle
	own    []string
	data   []byte
}

func newHolder(t testing.TB) *holder { return &holder{t: t, kept: map[string]object{}} }

// set adds an object in place of the one of the same name, and repacks what the package says.
func (h *holder) set(name string, g *Group, data []byte, own ...string) Handle {
	packed, base, changed := h.packer.Add(nil, g, data, own...)
	was, had := h.kept[name]
	h.kept[name] = object{g, Handle{string(packed), base}, own, data}
	if had {
		h.packer.Release(was.group, was.handle)
	}
	if changed != nil {
		h.repack(changed)
	}
	return h.kept[name].handle
}

func (h *holder) repack(changed *Group) (n int) {
	for name, o := range h.kept {
		within := false
		for g := o.group; g != nil; g = g.within {
			within = within || g == changed
		}
		if !within || n == RepackAtMost {
			continue
		}
		if packed, base, ok := h.packer.Repack(nil, o.group, o.handle, o.own...); ok {
			n++
			was := o.handle
			o.handle = Handle{string(packed), base}
			h.kept[name] = o
			h.packer.Release(o.group, was)
		}
	}
	return n
}

func (h *holder) drop(name string) {
	o := h.kept[name]
	delete(h.kept, name)
	h.packer.Release(o.group, o.handle)
}

// check unpacks everything, and counts everything anew.
func (h *holder) check() {
	h.t.Helper()
	refs, objects, packed := map[*Base]int{}, map[*Group]int{}, int64(0)
	for name, o := range h.kept {
		got, err := o.handle.Unpack(nil, o.own...)
		if err != nil || !bytes.Equal(got, o.data) {
			h.t.Fatalf("%s did not come back: %v", name, err)
		}
		if o.handle.Size() != len(o.data) {
			h.t.Fatalf("%s has %d bytes, and %d by its handle", name, len(o.data), o.handle.Size())
		}
		packed += int64(len(o.handle.Bytes))
		if o.handle.Base != nil {
			refs[o.handle.Base]++
		}
		for g := o.group; g != nil; g = g.within {
			objects[g]++
		}
	}
	for g, n := range objects {
		if int(g.objects) != n {
			h.t.Fatalf("a group has %d objects on its books, and %d in truth", g.objects, n)
		}
		if g.base != nil {
			refs[g.base]++
		}
	}
	for b := range refs {
		if b.outer != nil {
			refs[b.outer]++
		}
	}
	want, former, numbers := Stats{ScratchBytes: h.packer.Stats().ScratchBytes}, map[*Group]int{}, map[uint32]bool{}
	for b, n := range refs {
		want.Bases++
		want.BaseBytes += int64(cap(b.data))
		if int(b.refs) != n {
			h.t.Fatalf("a base has %d references on its books, and %d in truth", b.refs, n)
		}
		if b.group.base != b {
			former[b.group]++
		}
		numbers[b.Number()] = true
	}
	for g := range objects {
		if int(g.former) != former[g] {
			h.t.Fatalf("a group has %d former bases on its books, and %d in truth", g.former, former[g])
		}
	}
	if got := h.packer.Stats(); got != want || h.packer.packed != packed || len(numbers) != len(refs) {
		h.t.Fatalf("the books say %+v, in truth it is %+v; packed are %d and %d; there are %d numbers",
			got, want, h.packer.packed, packed, len(numbers))
	}
	h.checkOpen(refs)
}

// checkOpen finds every open base as it should be.
func (h *holder) checkOpen(refs map[*Base]int) {
	h.t.Helper()
	if h.packer.scratch == nil {
		return
	}
	size := 0
	for i, at := range h.packer.texts.list {
		size += cap(at.text)
		text, _, err := at.base.unpack(nil, nil)
		if err != nil || int(at.base.open) != i+1 || refs[at.base] == 0 || !bytes.Equal(at.text, text) {
			h.t.Fatalf("an open base is not what it was, or nobody needs it (%d references)", refs[at.base])
		}
	}
	if size != h.packer.texts.bytes || size > maxOpen {
		h.t.Fatalf("open bases have %d bytes on their books, and %d in truth", h.packer.texts.bytes, size)
	}
}

// sibling is an object as an owner has many: nearly the same as the others of its template.
func sibling(owner, template, i int) (data []byte, own []string) {
	shared := rand.New(rand.NewPCG(uint64(owner), uint64(template)))
	var b strings.Builder
	name, uid := fmt.Sprintf("r-%d-%d", owner, i), fmt.Sprintf("%032x", rand.Uint64())
	fmt.Fprintf(&b, `{"metadata":{"name":%q,"uid":%q},"spec":{`, name, uid)
	for e := range 40 {
		fmt.Fprintf(&b, `"SETTING_%02d":"%016x-%016x",`, e, shared.Uint64(), shared.Uint64())
	}
	fmt.Fprintf(&b, `"ip":"10.0.%d.%d"}}`, i/250, i%250)
	return []byte(b.String()), []string{"ns/" + name, uid, "1"}
}

// owners returns groups as a store has them for the Pods of as many owners.
func owners(n int) []*Group {
	pods := NewGroup(nil, false)
	all := make([]*Group, n)
	for i := range all {
		all[i] = NewGroup(pods, true)
	}
	return all
}

func (h *holder) setSibling(g *Group, owner, template, i int) Handle {
	data, own := sibling(owner, template, i)
	return h.set(fmt.Sprint(owner, "/", i), g, data, own...)
}
