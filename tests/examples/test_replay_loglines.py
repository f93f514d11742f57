"""Combined Log Format, as servers write it and as they should not."""

import pytest
from access_log_replay.loglines import MalformedLine, endpoint_of, parse_line, parse_log
from hypothesis import given
from hypothesis import strategies as st

GOOD = (
    "203.0.113.9 - frank [17/May/2015:10:05:03 +0200]"
    ' "GET /a/b.png?size=1 HTTP/1.1" 200 2326 "http://example.com/" "Mozilla/5.0 (X11)"'
)


class TestParseLine:
    def test_reads_every_field(self) -> None:
        line = parse_line(7, GOOD + "\r\n")
        assert (line.number, line.client, line.endpoint, line.status) == (
            7,
            "203.0.113.9",
            "/a/b.png",
            200,
        )
        assert line.at_ms == 1_431_849_903_000  # 08:05:03 UTC

    @pytest.mark.parametrize(
        "text",
        [
            GOOD.replace("frank", "frank the second"),
            GOOD.replace("2326", "-"),
            GOOD.replace("Mozilla", r"say \"hi\" "),
            GOOD.replace('"Mozilla/5.0 (X11)"', '"-"'),
            GOOD + ' "198.51.100.1"',  # a field of the server's own
            GOOD.replace("203.0.113.9", "2001:db8::1"),
            GOOD.replace("203.0.113.9", "crawler.example.com"),
            GOOD.replace("GET /a/b.png?size=1 HTTP/1.1", "-").replace(" 200 ", " 408 "),
        ],
    )
    def test_takes_what_servers_write(self, text: str) -> None:
        assert parse_line(1, text).status in (200, 408)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "empty line"),
            ("   ", "empty line"),
            ("nonsense", "no identity"),
            (GOOD.replace("203.0.113.9", "203.0.113.999"), "'203.0.113.999' is no client address"),
            (GOOD.replace("203.0.113.9", "-"), "'-' is no client address"),
            (GOOD.replace("[17/May", "17/May"), "no [time]"),
            (GOOD.replace("17/May", "31/Feb"), "'31/Feb/2015:10:05:03 +0200' is no time like"),
            (GOOD.replace(" +0200", ""), "is no time like"),
            (GOOD.replace('HTTP/1.1"', "HTTP/1.1"), "no status"),
            (GOOD.replace(" 200 ", " OK "), "no status"),
            (GOOD.replace(" 200 ", " 999 "), "999 is no HTTP status"),
            (GOOD.replace("2326", "many"), "no size"),
            (GOOD.partition(' "http')[0], 'no "referer"'),  # the common format
            (GOOD[:-1], 'no "user agent"'),  # cut short
            (GOOD + "junk", "no space after the user agent"),
            ("\0" * 40 + GOOD, "is no client address"),  # a log truncated while it was written
        ],
    )
    def test_names_what_is_wrong(self, text: str, reason: str) -> None:
        with pytest.raises(MalformedLine) as caught:
            parse_line(1, text)
        assert reason in str(caught.value)

    def test_a_reason_is_safe_to_print(self) -> None:
        with pytest.raises(MalformedLine) as caught:
            parse_line(1, "\x1b[2J" + "é" * 500)
        reason = str(caught.value)
        assert reason.isascii()
        assert reason.isprintable()

    def test_the_digest_tells_lines_apart(self) -> None:
        other = parse_line(1, GOOD.replace("2326", "2327"))
        assert parse_line(1, GOOD).digest == parse_line(2, GOOD + "\n").digest
        assert parse_line(1, GOOD).digest != other.digest

    @given(st.text())
    def test_any_text_is_a_line_or_malformed(self, text: str) -> None:
        log = parse_log([text.encode("utf-8", "replace")])
        assert len(log.lines) + len(log.malformed) == 1
        assert all(reason for _, reason in log.malformed)


class TestEndpointOf:
    @pytest.mark.parametrize(
        ("request_line", "endpoint"),
        [
            ("GET / HTTP/1.1", "/"),
            ("GET /a?b=/c HTTP/2.0", "/a"),
            ("GET ?b HTTP/1.1", "/"),
            ("GET /a#b HTTP/1.1", "/a"),
            ("GET /simple", "/simple"),  # HTTP/0.9
            ("GET /a b HTTP/1.1", "/a b"),
            ("GET http://example.com/a?b HTTP/1.1", "/a"),
            ("GET http://example.com HTTP/1.1", "/"),
            ("GET http://example.com?a=/b HTTP/1.1", "/"),
            ("GET /go/http://example.com/ HTTP/1.1", "/go/http://example.com/"),
            ("OPTIONS * HTTP/1.1", "*"),
            ("CONNECT example.com:443 HTTP/1.1", "example.com:443"),
            ("M-SEARCH /x HTTP/1.1", "/x"),
            ("GET /a\x00b HTTP/1.1", "/a\ufffdb"),
            ("-", None),
            ("", None),
            (r"\x16\x03\x01", None),
        ],
    )
    def test_is_the_path(self, request_line: str, endpoint: str | None) -> None:
        assert endpoint_of(request_line) == endpoint

    def test_is_cut_at_the_longest_the_api_takes(self) -> None:
        assert endpoint_of(f"GET /{'é' * 300} HTTP/1.1") == "/" + "é" * 254


class TestParseLog:
    def test_counts_and_numbers_what_it_leaves_out(self) -> None:
        log = parse_log([GOOD.encode(), b"junk\n", b"\n", GOOD.encode() + b"\n"])
        assert [line.number for line in log.lines] == [1, 4]
        assert [number for number, _ in log.malformed] == [2, 3]

    def test_bytes_that_are_no_utf8_cost_no_line(self) -> None:
        log = parse_log([GOOD.replace("a/b", "caf\xe9").encode("latin-1")])
        assert log.lines[0].endpoint == "/caf\ufffd.png"
