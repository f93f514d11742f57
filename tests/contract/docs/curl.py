"""What `curl` sends for the options that the documentation uses; not every machine has one.

Prints the answer's body, and writes method, path, status and body to the file `ANSWERS`.
"""

import argparse
import http.client
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

DOCUMENTED = "localhost:8000"


def main() -> None:
    """One request."""
    given = _options()
    url = urlsplit(given.url if "://" in given.url else f"http://{given.url}")
    assert url.netloc == DOCUMENTED, f"{url.netloc} is not where make run answers"
    path = f"{url.path}?{url.query}" if url.query else url.path
    method = given.request or ("GET" if given.data is None else "POST")
    headers = dict(one.split(": ", 1) for one in given.header)
    if given.data is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    connection = http.client.HTTPConnection(os.environ["SERVER"], timeout=60)
    connection.request(method, path, given.data and given.data.encode(), headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    said = {"method": method, "path": path, "status": answer.status, "body": body}
    with Path(os.environ["ANSWERS"]).open("a") as answers:
        answers.write(json.dumps(said) + "\n")
    sys.stdout.write(body)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-s", dest="silent", action="store_true")
    parser.add_argument("-X", dest="request")
    parser.add_argument("-H", dest="header", action="append", default=[])
    parser.add_argument("-d", dest="data")
    return parser.parse_args()


if __name__ == "__main__":
    main()
