package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/klog/v2"
)

var everything = fields.Everything()

// report writes the status of a pod whenever it changes, until the pod has ended.
func (p *pods) report(q *pod) {
	for {
		select {
		case <-q.changed:
		case <-p.life.Done():
			return
		}
		done := q.hasEnded()
		gone, err := p.writeStatus(q)
		switch {
		case p.life.Err() != nil || gone || err == nil && done:
			return
		case err != nil:
			klog.ErrorS(err, "writing the status of a pod failed, next attempt", "pod", q.name, "after", retryStatus)
			select {
			case <-time.After(retryStatus):
				q.change()
			case <-p.life.Done():
				return
			}
		}
	}
}

func (q *pod) hasEnded() bool {
	select {
	case <-q.ended:
		return true
	default:
		return false
	}
}

// writeStatus writes the status of a pod. gone reports whether the pod is not there any more.
func (p *pods) writeStatus(q *pod) (gone bool, err error) {
	client := p.client.CoreV1().Pods(q.namespace)
	o, err := client.Get(p.life, q.name, metav1.GetOptions{})
	if err != nil || o.UID != q.uid {
		return err == nil || apierrors.IsNotFound(err), err
	}
	q.fill(&o.Status)
	_, err = client.UpdateStatus(p.life, o, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		q.change() // someone else wrote: at once with the newest
		return false, nil
	}
	return apierrors.IsNotFound(err), err
}

// fill sets the fields of a status that a kubelet sets.
func (q *pod) fill(s *corev1.PodStatus) {
	s.HostIP, s.HostIPs = "127.0.0.1", []corev1.HostIP{{IP: "127.0.0.1"}}
	s.PodIP, s.PodIPs = q.ip.String(), []corev1.PodIP{{IP: q.ip.String()}}
	s.StartTime = &q.started
	s.InitContainerStatuses, s.ContainerStatuses = nil, nil
	initialized, ready := true, true
	failed := false
	for _, c := range q.containers {
		st := c.status()
		ended := st.State.Terminated
		if c.init {
			s.InitContainerStatuses = append(s.InitContainerStatuses, st)
			initialized = initialized && ended != nil && ended.ExitCode == 0
		} else {
			s.ContainerStatuses = append(s.ContainerStatuses, st)
			ready = ready && st.Ready
		}
		failed = failed || ended != nil && ended.ExitCode != 0
	}
	switch {
	case q.hasEnded() && failed:
		s.Phase = corev1.PodFailed
	case q.hasEnded():
		s.Phase = corev1.PodSucceeded
	case initialized:
		s.Phase = corev1.PodRunning
	default:
		s.Phase = corev1.PodPending
	}
	ready = ready && initialized && s.Phase == corev1.PodRunning
	setCondition(s, corev1.PodReadyToStartContainers, true)
	setCondition(s, corev1.PodInitialized, initialized)
	setCondition(s, corev1.ContainersReady, ready)
	setCondition(s, corev1.PodReady, ready)
}

func setCondition(s *corev1.PodStatus, kind corev1.PodConditionType, on bool) {
	status := corev1.ConditionFalse
	if on {
		status = corev1.ConditionTrue
	}
	for i := range s.Conditions {
		c := &s.Conditions[i]
		if c.Type != kind {
			continue
		}
		if c.Status != status {
			c.Status, c.LastTransitionTime = status, metav1.Now()
		}
		return
	}
	s.Conditions = append(s.Conditions, corev1.PodCondition{
		Type: kind, Status: status, LastTransitionTime: metav1.Now(),
	})
}
