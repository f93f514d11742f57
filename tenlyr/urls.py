"""The map of the whole API: the hot route first, then one include per app."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from tenlyr.core.api import liveness
from tenlyr.core.api.docs import DocsView

urlpatterns = [
    path("api/v1/usage/", include("apps.metering.api.urls")),
    path("api/v1/tenants/", include("apps.dashboard.api.urls")),
    path("api/v1/isolation/", include("apps.prover.api.urls")),
    path("api/v1/", include("apps.health.api.alerts_urls")),
    path("api/v1/health", include("apps.health.api.urls")),
    path("api/v1/webhooks/", include("apps.webhooks.api.urls")),
    path("api/v1/", include("apps.dataplane.api.urls")),
    path("api/v1/", include("apps.tenants.api.urls")),
    path("livez", liveness.livez),
    path("readyz", liveness.readyz),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", DocsView.as_view(url_name="openapi"), name="docs"),
    path("admin/", admin.site.urls),
]

handler400 = "tenlyr.core.api.handler.bad_request"
handler403 = "tenlyr.core.api.handler.forbidden"
handler404 = "tenlyr.core.api.handler.not_found"
handler500 = "tenlyr.core.api.handler.server_error"
