// Package tenlyrhttp makes a net/http service multi-tenant: it finds whose request it is, lets
// through who may, and tracks every response.
//
//	tenancy := tenlyrhttp.New(tenlyrhttp.Options{
//		Resolve: tenlyrhttp.Subdomain("app.example.com"),
//		Lookup:  lookup,
//	})
//	handler := tenancy.Handler(tenlyrhttp.TrackUsage(buffer, tenlyrhttp.TrackingOptions{})(
//		tenlyrhttp.RequireActive(mux)))
//
// A name in a header, a query, a path or a host says which tenant is meant, not that the caller may
// act for it: authenticate callers as you do anyway.
package tenlyrhttp
