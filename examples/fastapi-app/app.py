"""Notes for many customers: each is a tenant of Tenlyr, sees its own, and has room for three."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from tenlyr.middleware.asgi import TenantMiddleware

import tenlyr
from tenlyr import middleware

MOST_NOTES = 3
client = tenlyr.Tenlyr(
    os.environ["TENLYR_ADMIN_KEY"],
    base_url=os.environ.get("TENLYR_URL", "http://127.0.0.1:8000"),
)


@dataclass
class Customer:
    """A real application keeps these in its database, and the keys sealed."""

    tenant_id: str
    api_key: str
    notes: list[str] = field(default_factory=list)


customers: dict[str, Customer] = {}


async def look_up(slug: str) -> middleware.CurrentTenant | None:
    """Who that is, and how it stands with Tenlyr."""
    customer = customers.get(slug)
    if customer is None:
        return None
    tenant = await client.tenants.get(customer.tenant_id)
    return middleware.CurrentTenant.of(tenant, slug=slug, key=customer.api_key)


def notes() -> list[str]:
    """Those of the tenant whose request this is."""
    return customers[middleware.current_tenant().slug].notes


def used(tenant: middleware.CurrentTenant) -> middleware.Used:
    """How much of its room a tenant has taken."""
    return middleware.Used(len(customers[tenant.slug].notes), MOST_NOTES)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Closing the client sends what is counted and not yet sent."""
    async with client:
        yield


app = FastAPI(lifespan=lifespan)
# Whether the caller belongs to the tenant that it names is for a login to check.
tenancy = middleware.Tenancy(
    [middleware.subdomain("notes.example"), middleware.header("X-Tenant-ID")],
    look_up,
    cache_s=1,  # a suspension is seen that much later
    track=client.usage.buffer(when_full="drop"),
    skip=lambda request: request.path == "/signup",
)
app.add_middleware(TenantMiddleware, tenancy=tenancy)


class SignUp(BaseModel):
    """A new customer."""

    slug: str
    name: str
    email: str


class Note(BaseModel):
    """A new note."""

    text: str


@app.post("/signup", status_code=201)
async def sign_up(form: SignUp) -> dict[str, str]:
    """Make a customer a tenant."""
    if form.slug in customers:
        raise HTTPException(409, "The slug is taken.")
    try:
        made = await client.tenants.create(name=form.name, owner_email=form.email)
    except (tenlyr.ConflictError, tenlyr.InvalidRequestError) as error:
        # The address is taken, or is none: the visitor's to mend. Anything else is our own trouble.
        raise HTTPException(error.status_code or 500, str(error)) from None
    customers[form.slug] = Customer(made.tenant.id, made.api_key)
    return {"tenantId": made.tenant.id}


@app.get("/notes")
async def read() -> dict[str, list[str]]:
    """The tenant's notes."""
    return {"notes": notes()}


@app.post("/notes", status_code=201)
@middleware.requires(middleware.enforce_quota("notes", used, cache_s=0))
async def add(note: Note) -> dict[str, list[str]]:
    """One more, while there is room."""
    notes().append(note.text)
    return {"notes": notes()}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
