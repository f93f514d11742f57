package main

import (
	"sync"
)

// customer is what we know of one of ours.
type customer struct {
	tenantID string
	apiKey   string
}

// records are our own, in memory to keep the example small. A real service has a database, and
// tenlyrsql gives it connections that see one tenant's rows only.
type records struct {
	mutex     sync.Mutex
	customers map[string]customer // by slug
	texts     map[string][]string // by tenant
}

func newRecords() *records {
	return &records{customers: map[string]customer{}, texts: map[string][]string{}}
}

// claim keeps a slug for who signs up, unless somebody has it. Until add it is nobody's.
func (r *records) claim(slug string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if _, taken := r.customers[slug]; taken {
		return false
	}
	r.customers[slug] = customer{}
	return true
}

func (r *records) unclaim(slug string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.customers, slug)
}

func (r *records) add(slug string, one customer) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.customers[slug] = one
}

func (r *records) customer(slug string) (customer, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	found := r.customers[slug]
	return found, found.tenantID != ""
}

func (r *records) slugOf(tenantID string) (string, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for slug, one := range r.customers {
		if one.tenantID == tenantID {
			return slug, true
		}
	}
	return "", false
}

func (r *records) note(tenantID, text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.texts[tenantID] = append(r.texts[tenantID], text)
}

func (r *records) notes(tenantID string) []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]string{}, r.texts[tenantID]...)
}
