package tenlyr

import (
	"time"
)

// Alert is an alert as every answer shows it.
type Alert struct {
	ID string `json:"id"`
	// Nil where it concerns the workspace.
	TenantID *string `json:"tenantId"`
	Type     string  `json:"type"`
	// The worst so far: it does not fall while the alert is open.
	Severity AlertSeverity  `json:"severity"`
	Title    string         `json:"title"`
	Message  string         `json:"message"`
	Metadata map[string]any `json:"metadata"`
	// How often it happened since it was opened.
	Count     int         `json:"count"`
	Status    AlertStatus `json:"status"`
	CreatedAt time.Time   `json:"createdAt"`
	// When it happened last.
	LastAt     time.Time  `json:"lastAt"`
	ResolvedAt *time.Time `json:"resolvedAt"`
	// `admin_key`, `tenant_key`, `operator`, or `system` where its reason is over.
	ResolvedBy *string `json:"resolvedBy"`
}

// Resolved is how many were resolved.
type Resolved struct {
	Resolved int `json:"resolved"`
}

// Channel is a channel as every answer shows it.
type Channel struct {
	ID   string      `json:"id"`
	Kind ChannelKind `json:"kind"`
	// Without what is secret: of a chat's address the host only.
	Target      string        `json:"target"`
	MinSeverity AlertSeverity `json:"minSeverity"`
	Enabled     bool          `json:"enabled"`
	LastSentAt  *time.Time    `json:"lastSentAt"`
	// Why the last message was not taken; nil once one was.
	LastError *string   `json:"lastError"`
	CreatedAt time.Time `json:"createdAt"`
}

// ChannelPage is a page of channels, the newest first.
type ChannelPage struct {
	Data []Channel `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}

// CreatedChannel is a new channel with its signing secret: the only time it is shown.
type CreatedChannel struct {
	Channel Channel `json:"channel"`
	// Of a webhook; nil for the others.
	Secret *string `json:"secret"`
}

// Message is what a channel was sent, or is to be.
type Message struct {
	ID         string        `json:"id"`
	Test       bool          `json:"test"`
	Status     MessageStatus `json:"status"`
	Attempts   int           `json:"attempts"`
	Error      *string       `json:"error"`
	CreatedAt  time.Time     `json:"createdAt"`
	FinishedAt *time.Time    `json:"finishedAt"`
}

// MessagePage is a page of messages, the newest first.
type MessagePage struct {
	Data []Message `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}
