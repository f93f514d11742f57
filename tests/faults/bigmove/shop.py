"""The operator's three tables, and the model of what the tenant has in them.

Every value of a row follows from the row's number and version, so the model holds these alone and
can say at any time, byte for byte, what must be stored.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

RELEASE = """
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TYPE state AS ENUM ('draft', 'sent', 'paid');
CREATE TABLE customers (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    version integer NOT NULL,
    email text NOT NULL,
    mood mood NOT NULL,
    credit numeric NOT NULL,
    photo bytea,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, number),
    UNIQUE (tenant_id, email)
);
CREATE TABLE invoices (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    number bigint NOT NULL,
    version integer NOT NULL,
    customer_id uuid NOT NULL,
    state state NOT NULL,
    total numeric(14, 4) NOT NULL,
    body jsonb NOT NULL,
    seal bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON invoices (tenant_id, customer_id);
CREATE TABLE lines (
    tenant_id uuid NOT NULL,
    invoice_id bigint NOT NULL,
    place smallint NOT NULL DEFAULT 0,
    number bigint NOT NULL,
    version integer NOT NULL,
    text text,
    price numeric(12, 2) NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id, place),
    UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id) ON DELETE CASCADE
);
"""
# Invoices of each customer that there is at the start; one of them has a line.
EACH = 5
# Customers from this number on came later: each has one invoice and one line, of its number.
LATER = 1_000_000_000
MOODS, STATES = ("calm", "cross"), ("draft", "sent", "paid")
EPOCH_US = 1_700_000_000_000_000

Row = tuple[str | None, ...]
# Reads every column as text, in the order of the key; compared with `Model.rows`.
READS = {
    "customers": "SELECT id, number, version, email, mood, credit, encode(photo, 'hex'),"
    " (extract(epoch FROM since) * 1000000)::bigint FROM customers ORDER BY number",
    "invoices": "SELECT id, number, version, customer_id, state, total, body, encode(seal, 'hex'),"
    " (extract(epoch FROM issued_at) * 1000000)::bigint FROM invoices ORDER BY number",
    "lines": "SELECT invoice_id, place, number, version, text, price FROM lines ORDER BY number",
}


def customer_of(invoice: int) -> int:
    """The number of the customer that an invoice is for."""
    return invoice if invoice >= LATER else invoice // EACH


def invoices_of(customer: int) -> range:
    """The numbers of the invoices that a customer ever had."""
    if customer >= LATER:
        return range(customer, customer + 1)
    return range(customer * EACH, customer * EACH + EACH)


def has_line(invoice: int) -> bool:
    """Whether the invoice came with a line."""
    return invoice >= LATER or invoice % EACH == 0


def customer(number: int, version: int) -> Row:
    """A customer's values after its version: email, mood, credit, photo, since."""
    photo = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
    return (
        f"c{number}.{version}@example.com",
        MOODS[(number + version) % 2],
        # With a scale of its own for each, which the column does not settle.
        f"{number}.{version:0{1 + number % 6}d}",
        None if number % 7 == 0 else photo * (number % 3),
        str(EPOCH_US + number * 1_000_003),
    )


def invoice(number: int, version: int) -> Row:
    """An invoice's values after its customer: state, total, body, seal, issued_at."""
    return (
        STATES[(number + version) % 3],
        f"{(number * 7_919 + version) % 10**9}.{(number + version) % 10**4:04d}",
        # As jsonb writes it: shorter names first.
        f'{{"n": {number}, "v": {version}, "tax": {number % 100}.50, "tags": ["Größe", null]}}',
        hashlib.sha256(f"{number}:{version}".encode()).hexdigest(),
        str(EPOCH_US + number * 1_000_003 + version),
    )


def line(number: int, version: int) -> Row:
    """A line's values after its version: text, price."""
    text = None if (number + version) % 9 == 0 else f'it\'s\t{number} \\ "{version}"\nÜ'
    return text, f"{number % 10**7}.{version % 100:02d}"


@dataclass
class Model:
    """What the tenant has now. `prefix` begins the id of every customer; `ids` and the others go
    from number to what the database named an invoice, and to the versions.
    """

    prefix: str
    ids: dict[int, int] = field(default_factory=dict)
    customers: dict[int, int] = field(default_factory=dict)
    invoices: dict[int, int] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)

    def customer_id(self, number: int) -> str:
        """A customer's id, which the app makes."""
        return f"{self.prefix}{number:012x}"

    def forget_invoice(self, number: int) -> None:
        """An invoice goes, and its line with it."""
        self.invoices.pop(number, None)
        self.lines.pop(number, None)

    def forget_customer(self, number: int) -> None:
        """A customer goes, with all it had."""
        del self.customers[number]
        for one in invoices_of(number):
            self.forget_invoice(one)

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table as `READS` must find them."""
        made = {"customers": self._customers, "invoices": self._invoices, "lines": self._lines}
        return made[table]()

    def _customers(self) -> Iterator[Row]:
        for number, version in sorted(self.customers.items()):
            values = customer(number, version)
            yield self.customer_id(number), str(number), str(version), *values

    def _invoices(self) -> Iterator[Row]:
        for number, version in sorted(self.invoices.items()):
            of = self.customer_id(customer_of(number))
            named = str(self.ids[number]), str(number), str(version), of
            yield (*named, *invoice(number, version))

    def _lines(self) -> Iterator[Row]:
        for number, version in sorted(self.lines.items()):
            named = str(self.ids[number]), "0", str(number), str(version)
            yield (*named, *line(number, version))
