package tenlyrsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	tenlyr "github.com/tenlyr/tenlyr-go"
	"github.com/tenlyr/tenlyr-go/tenlyrsql"
)

func Example() {
	ctx, client := context.Background(), tenlyr.New(tenlyr.Config{APIKey: "none, in this example"})
	tenantID, id, total := "51fad484-7f82-4c97-8f5e-0242ac120002", 1, "12.50"

	databases := tenlyrsql.New(tenlyrsql.Options{Client: client, Driver: "pgx"})
	defer databases.Close(ctx)
	err := databases.Within(ctx, tenantID, nil, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO invoices (id, total) VALUES ($1, $2)", id, total)
		return err
	})
	fmt.Println(err)
	// Output:
	// tenlyr: the API key is missing or malformed; nothing was sent (status 401, invalid_key)
}

func ExampleLogin_URL() {
	options := tenlyrsql.Options{
		DSN: func(login tenlyrsql.Login) string {
			return login.URL(url.Values{"default_query_exec_mode": {"exec"}})
		},
	}
	fmt.Println(options.DSN(tenlyrsql.Login{
		Host: "db.example", Port: 6432, Database: "app", Role: "tenlyr_t_1", Password: "secret",
	}))
	// Output:
	// postgresql://tenlyr_t_1:secret@db.example:6432/app?default_query_exec_mode=exec
}
