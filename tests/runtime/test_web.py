"""A web process shows no request the secrets in its environment."""

import json
import os
import sys

from tenlyr import env
from tenlyr.runtime import processes, product
from tests import servers

# What granian's worker does with the application it loaded, up to the first request.
SERVE = """
import json, os
import tenlyr.runtime.web
from granian.wsgi import _callback_wrapper

class Proto:
    def response_bytes(self, status, headers, body):
        pass

seen = {}
def application(environ, start_response):
    seen.update(environ)
    start_response("200 OK", [])
    return [b""]

_callback_wrapper(application, {})(Proto(), {"PATH_INFO": "/"})
print(json.dumps([sorted(seen), "DATABASE_URL" in os.environ]), flush=True)
os._exit(0)
"""


def test_requests_carry_none_of_our_environment() -> None:
    settings = {**os.environ, **servers.current().env, "DJANGO_SETTINGS_MODULE": "tenlyr.settings"}
    status, said, complained = processes.run(
        [sys.executable, "-c", SERVE], cwd=env.BASE_DIR, env=settings, timeout_s=60
    )
    assert (status, complained) == (0, "")
    names, ours_is_set = json.loads(said)
    assert ours_is_set
    assert "PATH_INFO" in names
    assert not {"DATABASE_URL", "REDIS_URL", "TENLYR_SECRET_KEY", "HOME"} & set(names)


def test_the_server_runs_what_ends_with_its_main_process() -> None:
    assert product.web(8000, 8)[-1] == "tenlyr.runtime.web:application"
