package faults

import (
	"bytes"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// list answers with a list, or a page of one.
func (c *call) list() error {
	s, err := c.selection()
	if err != nil {
		return err
	}
	p, err := storage.ParsePage(c.r.URL.Query())
	if err != nil {
		return err
	}
	list, err := c.store.engine.List(c.r.Context(), c.in, s, p)
	if err != nil {
		return err
	}
	c.writeList(list)
	return nil
}

// writeList answers with a list.
func (c *call) writeList(list storage.List) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"kind":%q,"apiVersion":%q,"metadata":%s,"items":[`,
		c.kind.Kind+"List", c.kind.APIVersion(), mustJSON(metav1.ListMeta{
			ResourceVersion: list.Version, Continue: list.Continue, RemainingItemCount: list.Remaining,
		}))
	for i, o := range list.Items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(o.JSON)
	}
	b.WriteString("]}\n")
	c.write(http.StatusOK, b.Bytes())
}

// watch answers with a watch.
func (c *call) watch() error {
	s, err := c.selection()
	if err != nil {
		return err
	}
	o, err := storage.ParseWatch(c.r.URL.Query())
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(http.StatusOK)
	flush(c.w)
	c.store.engine.Watch(c.r.Context(), c.in, s, o, c.send)
	return nil
}

// send sends events of a watch.
func (c *call) send(events ...storage.Event) error {
	for _, e := range events {
		if _, err := c.w.Write(c.event(e)); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.w).Flush()
}

func (c *call) event(e storage.Event) []byte {
	switch {
	case e.Status != nil:
		s := *e.Status
		s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		return eventLine(string(e.Type), mustJSON(s))
	case e.Object != nil:
		return eventLine(string(e.Type), e.Object.JSON)
	}
	more := ""
	if e.Initial {
		more = `,"annotations":{"k8s.io/initial-events-end":"true"}`
	}
	return eventLine(string(e.Type), fmt.Appendf(nil, `{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":%q%s}}`,
		c.kind.Kind, c.kind.APIVersion(), e.Version, more))
}
