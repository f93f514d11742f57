"""An operator's hook, as a command: makes and drops databases on the server in HOOK_SERVER.

`python hook.py MODE`: the modes are the ways in which a hook can go wrong.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

SERVER = os.environ.get("HOOK_SERVER", "")
NOTES = Path(os.environ.get("HOOK_NOTES", os.devnull))


def answer(question: dict[str, object]) -> dict[str, object]:
    """What a good hook answers; the same question again finds what is there."""
    name = f"hooked_{question['database']}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        is_there = found.fetchone() is not None
        if question["action"] == "create" and not is_there:
            connection.execute(f"CREATE DATABASE {name}")
        if question["action"] == "destroy" and is_there:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    if question["action"] == "destroy":
        return {}
    return {"dsn": urlsplit(SERVER)._replace(path=f"/{name}").geturl(), "provided": "an RDS"}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(mode: str) -> None:
    question = json.load(sys.stdin)
    with NOTES.open("a") as notes:
        notes.write(json.dumps({**question, "env": sorted(os.environ)}) + "\n")
    if mode == "fails":
        sys.exit("first line\nno quota left.")
    if mode == "sleeps":
        # What it started goes with it.
        child = subprocess.Popen(["sleep", "600"])
        NOTES.write_text(str(child.pid))
        time.sleep(600)
    if mode == "babbles":
        while True:
            say("x" * 10_000)
    if mode == "pends" and len(NOTES.read_text().splitlines()) < 2:
        say('{"pending": true}')
        return
    said = {"garbage": "not json", "list": "[1]", "nothing": "", "no_dsn": "{}"}
    said |= {"number": '{"dsn": 5}', "bad_dsn": '{"dsn": "mysql://u:p@h/n"}'}
    say(said[mode] if mode in said else json.dumps(answer(question)))


if __name__ == "__main__":
    main(sys.argv[1])
