package tenlyr

import (
	"context"
	"iter"
	"net/http"
)

func get(template string, params any, values ...string) request {
	return request{method: http.MethodGet, template: template, values: values, params: params}
}

func post(template string, params any, values ...string) request {
	return request{method: http.MethodPost, template: template, values: values, params: params}
}

func patch(template string, params any, values ...string) request {
	return request{method: http.MethodPatch, template: template, values: values, params: params}
}

func remove(template string, values ...string) request {
	return request{method: http.MethodDelete, template: template, values: values}
}

// as sends a request with a tenant's key, and never with the client's.
func (r request) as(tenantKey string) request {
	r.key, r.actsAs = tenantKey, true
	return r
}

// with sends a request with another key than the client's, unless it is empty.
func (r request) with(key string) request {
	r.key = key
	return r
}

func fetch[T any](ctx context.Context, c *Client, r request, options ...Option) (*T, error) {
	result := new(T)
	if _, err := c.call(ctx, r, result, options...); err != nil {
		return nil, err
	}
	return result, nil
}

// list fetches a page without an envelope, and the cursor of the next.
func list[T any](ctx context.Context, c *Client, r request) ([]T, string, error) {
	var result []T
	response, err := c.call(ctx, r, &result)
	if err != nil {
		return nil, "", err
	}
	return result, response.header.Get("X-Next-Cursor"), nil
}

// walk yields all that the pages from start on hold. It ends after an error.
func walk[T any](
	start string, page func(cursor string) ([]T, string, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for cursor := start; ; {
			items, next, err := page(cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if next == cursor {
				yield(none, &Error{Message: "a page names itself as the next one"})
				return
			}
			cursor = next
		}
	}
}

// follow answers the rows of an envelope and the cursor of the next, "" after the last.
func follow[T any](rows []T, next *string) ([]T, string, error) {
	if next == nil {
		return rows, "", nil
	}
	return rows, *next, nil
}
