"""The door of tenants: all that other apps may use."""

from apps.tenants.catalogue import limits_by_tenant as limits_by_tenant
from apps.tenants.catalogue import limits_of as limits_of
from apps.tenants.errors import TenantNotFound as TenantNotFound
from apps.tenants.lifecycle import HIGHEST_RPM as HIGHEST_RPM
from apps.tenants.lifecycle import throttle as throttle
from apps.tenants.models import Tenant as Tenant
from apps.tenants.plans import Limit as Limit
from apps.tenants.plans import Limits as Limits
from apps.tenants.plans import TenantPlan as TenantPlan
from apps.tenants.selectors import Filter as Filter
from apps.tenants.selectors import after as after
from apps.tenants.selectors import count as count
from apps.tenants.selectors import describe as describe
from apps.tenants.selectors import get as get
from apps.tenants.selectors import is_active as is_active
from apps.tenants.selectors import locked as locked
from apps.tenants.selectors import names as names
from apps.tenants.selectors import page as page
from apps.tenants.selectors import workspace_of as workspace_of
from apps.tenants.selectors import workspaces_of as workspaces_of
from apps.tenants.states import Status as Status
