"""The locks of the server, each tried by somebody who should not come in."""

import json
import os
import threading

import pytest
from starlette.testclient import TestClient

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.review.request_error import RequestError
from leopardnet.review.web.guard import Door, local_hosts
from leopardnet.review.web.password import FREE_TRIES, MAX_WAIT_S, PasswordLock
from leopardnet.review.web.review_app import create_app
from reviewed_season import ORIGIN, PORT, Made, PlainMedia, enter, say

CLIPS = [Made("s1/a.avi", (0.7, 0.2, 0.0, 0.1), alert="leopard"), Made("s1/b.jpg", (0.0, 0.55, 0.0, 0.45))]
VIDEO, STILL = CLIPS
PASSWORD = "four words in a row"


@pytest.fixture
def desk(season, open_desk):
    return open_desk(season(CLIPS))


def stranger(desk, *, lock=None, host=f"127.0.0.1:{PORT}", **options):
    door = Door(PORT, local_hosts(PORT), lock)
    app = create_app(desk, PlainMedia(desk.manifest), door)
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False, **options), door


def test_the_token_opens_once_and_the_cookie_keeps_it_open(desk):
    browser, door = stranger(desk, follow_redirects=False)
    assert browser.get("/").status_code == 403
    assert browser.get("/", params={"token": "guess"}).status_code == 403
    entered = browser.get("/", params={"token": door.token})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")  # the token leaves the address bar
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and door.token not in cookie
    assert browser.get("/").status_code == 200 and door.token not in browser.get("/").text


def test_a_ticket_opens_one_browser_and_the_printed_address_any(desk):
    browser, door = stranger(desk, follow_redirects=False)
    path = door.issue_ticket().removeprefix(f"http://127.0.0.1:{PORT}")
    # From a file, a redirect would not carry a cookie that is SameSite=Strict.
    entered = browser.get(path, headers={"sec-fetch-site": "cross-site"})
    assert (entered.status_code, entered.headers["refresh"]) == (200, "0; url=/") and door.cookie in browser.cookies
    assert door.session in entered.headers["set-cookie"] and "token" not in entered.text
    for _ in range(2):
        browser.cookies.clear()
        assert browser.get(path).status_code == 403
        assert browser.get("/", params={"token": door.token}).status_code == 303


def test_cookies_of_other_servers_of_this_computer_do_not_lock_the_owner_out(desk):
    browser, door = stranger(desk)
    mine = f"{door.cookie}={door.session}"
    for cookie in (f'other={{"a": 1}}; {mine}', f"a b; x=[1,2]; {mine}", f"{mine}; other=(x", f'"; =;{mine}'):
        assert browser.get("/api/session", headers={"cookie": cookie}).status_code == 200, cookie


def test_without_the_cookie_nothing_answers(desk):
    browser, door = stranger(desk)
    every = ["/api/session", "/api/queue/all", f"/api/clip/{STILL.clip_id}", f"/media/frame/{STILL.clip_id}/0"]
    every += [f"/media/video/{VIDEO.clip_id}", "/static/report.css", "/login", "/nothing"]
    assert {p: browser.get(p).status_code for p in every} == dict.fromkeys(every, 403)
    assert browser.get(f"/api/session?token={door.token}").status_code == 403  # a token opens the page alone
    for cookie in ("x=1", f"{door.cookie}=guess", f'{door.cookie}="', "\x00"):
        assert browser.get("/api/session", headers={"cookie": cookie}).status_code == 403
    assert say(browser, [STILL], "deer").status_code == 403 and desk.said.version == 0


def test_another_name_of_this_computer_is_refused(desk):
    """DNS rebinding: a page of evil.example asks its own name, which now leads here."""
    for host in (
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:80",
        f"127.0.0.1.evil.example:{PORT}",
        "",
    ):
        browser, door = stranger(desk)
        answer = browser.get("/", params={"token": door.token}, headers={"host": host})
        assert answer.status_code == 421 and "set-cookie" not in answer.headers, host
    for host in (f"localhost:{PORT}", f"LOCALHOST:{PORT}"):
        browser, door = stranger(desk)
        answer = browser.get("/", params={"token": door.token}, headers={"host": host}, follow_redirects=False)
        assert answer.status_code == 303


def test_a_post_of_another_page_is_refused_although_the_cookie_is_there(desk):
    browser = enter(desk)
    body = {"key": "11111111", "clip_ids": [STILL.clip_id], "labels": ["deer"], "queue": "all"}
    own = ORIGIN["origin"]
    for headers in (
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"http://127.0.0.1:{PORT + 1}"},
        {"origin": own.replace("http:", "https:")},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": own, "sec-fetch-site": "cross-site"},
    ):
        assert browser.post("/api/label", json=body, headers=headers).status_code == 403, headers
    form = {"content-type": "text/plain"} | ORIGIN
    assert browser.post("/api/label", content=json.dumps(body), headers=form).status_code == 415
    assert desk.said.version == 0
    assert browser.post("/api/label", json=body, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_pictures_and_answers_are_not_for_other_pages(desk):
    browser = enter(desk)
    for path in ("/api/session", f"/media/frame/{STILL.clip_id}/0"):
        assert browser.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        answer = browser.get(path)
        assert answer.status_code == 200
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert not [h for h in answer.headers if h.startswith("access-control")]
    assert browser.options("/api/label", headers={"origin": "http://evil.example"}).status_code == 405


def test_every_answer_binds_the_browser(desk):
    browser = enter(desk)
    for path in ("/", "/api/session", "/api/nothing", "/static/report.css", f"/media/frame/{STILL.clip_id}/0"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    nonces = {browser.get("/").headers["content-security-policy"] for _ in range(2)}
    assert len(nonces) == 2


def test_large_and_endless_bodies_are_refused(desk):
    browser = enter(desk)
    json_type = ORIGIN | {"content-type": "application/json"}
    assert browser.post("/api/label", content=b"x" * 4_000_001, headers=json_type).status_code == 413
    chunks = (b"x" * 1_000_000 for _ in range(6))
    assert browser.post("/api/label", content=chunks, headers=json_type).status_code >= 400
    assert browser.get("/api/session").status_code == 200


ODD_NAMES = [
    *("../beside.jpg", "..%2Fbeside.jpg", "%2e%2e/beside.jpg", "s1/b.jpg", "s1%2Fb.jpg", "%00", "a%00.jpg"),
    *("file:%2F%2F%2Fetc%2Fpasswd", "....%2F%2Fbeside.jpg", "%2Fetc%2Fpasswd"),
]


def test_a_path_never_leads_to_another_file(desk, tmp_path):
    (tmp_path / "beside.jpg").write_bytes(b"a secret")
    browser = enter(desk)
    for name in (*ODD_NAMES, str(tmp_path / "beside.jpg")):
        for address in (f"/media/video/{name}", f"/media/frame/{name}/0", f"/static/{name}", f"/api/clip/{name}"):
            answer = browser.get(address)
            assert answer.status_code == 404 and b"a secret" not in answer.content, address
    pages = (
        "../environment.py",
        "environment.py",
        "templates/review.html.j2",
        "..%2f..%2fconfigs/labels/amur.yaml",
    )
    assert [browser.get(f"/static/{name}").status_code for name in pages] == [404] * 4


@pytest.mark.parametrize("path", ["/etc/passwd", "C:/x.jpg", "../x.jpg", "a/../../x.jpg", "~/x.jpg", "a\x00.jpg"])
def test_a_manifest_with_a_path_out_of_the_root_is_not_opened(path, tmp_path, open_desk):
    (tmp_path / "manifest.csv").write_bytes(f"path,kind\n{path},still\n".encode())
    with pytest.raises(ManifestError):
        open_desk(tmp_path / "manifest.csv", manifest=None)


def test_a_link_out_of_the_root_is_not_followed(desk, tmp_path):
    (tmp_path / "secret.avi").write_bytes(b"secret")
    (tmp_path / "footage" / VIDEO.path).unlink()
    (tmp_path / "footage" / VIDEO.path).symlink_to(tmp_path / "secret.avi")
    browser = enter(desk)
    answer = browser.get(f"/media/video/{VIDEO.clip_id}")
    assert answer.status_code == 404 and b"secret" not in answer.content
    clip = browser.get(f"/api/clip/{VIDEO.clip_id}").json()
    assert clip["status"] == "missing" and "out of the data root" in clip["reason"]


def test_parts_of_a_video_are_served_and_absurd_ones_refused(desk):
    browser = enter(desk)
    address = f"/media/video/{VIDEO.clip_id}"
    assert browser.get(address).status_code == 200
    part = browser.get(address, headers={"range": "bytes=10-14"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"01234", "bytes 10-14/1000")
    assert browser.get(address, headers={"range": "bytes=5000-"}).status_code == 416
    for range_ in ("bytes=x", "bytes=5-1", "lines=1-2", "bytes=-"):
        assert browser.get(address, headers={"range": range_}).status_code in (200, 206, 400, 416)
    many = "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 900, 2))
    assert browser.get(address, headers={"range": many}).status_code == 416


def test_a_video_that_is_being_made_says_how_far_it_is(desk):
    media = PlainMedia(desk.manifest)
    media.is_working = True
    answer = enter(desk, media=media).get(f"/media/video/{VIDEO.clip_id}")
    assert (answer.status_code, answer.json()) == (202, {"state": "working", "share_done": 0.25})


def test_a_frame_that_cannot_be_read_and_a_wrong_width_say_so(desk):
    browser = enter(desk)
    answer = browser.get(f"/media/frame/{VIDEO.clip_id}/0")
    assert answer.status_code == 415 and answer.json()["what"] == "no video stream"
    for width in ("-1", "x", "1e9", "999999999"):
        assert browser.get(f"/media/frame/{STILL.clip_id}/0?width={width}").status_code == 400
    assert browser.get(f"/media/frame/{STILL.clip_id}/-1").status_code == 404


def test_no_answer_holds_an_absolute_path_or_a_place_on_earth(season, open_desk, tmp_path):
    results = season(CLIPS)
    table = Manifest.read(tmp_path / "manifest.parquet")
    if {"latitude", "longitude"} <= set(table.table.columns):
        table.replace(table.table.assign(latitude=43.1234, longitude=131.5678)).write(tmp_path / "manifest.parquet")
    browser = enter(open_desk(results))
    say(browser, [STILL], "deer")
    addresses = ["/", "/api/session", "/api/queue/all", f"/api/clip/{STILL.clip_id}", f"/api/clip/{VIDEO.clip_id}"]
    for text in (browser.get(a).text for a in addresses):
        assert str(tmp_path) not in text and "43.12" not in text and "131.56" not in text


# --- the password ---


def test_other_computers_need_the_password(desk):
    browser, _ = stranger(desk, lock=PasswordLock(PASSWORD), follow_redirects=False)
    asked = browser.get("/")
    assert asked.status_code == 401 and 'type="password"' in asked.text and "set-cookie" not in asked.headers
    assert browser.get("/api/session").status_code == 403
    assert browser.post("/login", data={"password": PASSWORD}).status_code == 403  # from another page
    wrong = browser.post("/login", data={"password": "wrong"}, headers=ORIGIN)
    assert wrong.status_code == 403 and "not the password" in wrong.text
    right = browser.post("/login", data={"password": PASSWORD}, headers=ORIGIN)
    assert right.status_code == 303 and "SameSite=strict" in right.headers["set-cookie"]
    assert PASSWORD not in right.headers["set-cookie"] and browser.get("/api/session").status_code == 200


def test_without_lan_there_is_no_password_to_guess(desk):
    assert enter(desk).post("/login", data={"password": ""}, headers=ORIGIN).status_code == 404


def test_guessing_gets_slower_and_slower():
    now = [1000.0]
    lock = PasswordLock(PASSWORD, clock=lambda: now[0])
    assert [lock.try_password("x", "a") for _ in range(FREE_TRIES)] == [False] * FREE_TRIES
    with pytest.raises(RequestError, match="too many") as refused:
        lock.try_password(PASSWORD, "a")
    assert refused.value.status == 429 and refused.value.parts["do"] == "wait 2 s"
    assert lock.try_password(PASSWORD, "b")  # another computer is not kept out
    now[0] += 2.1
    assert not lock.try_password("x", "a")
    now[0] += 2.1  # now it is four seconds
    with pytest.raises(RequestError):
        lock.try_password(PASSWORD, "a")
    now[0] += 2.0
    assert lock.try_password(PASSWORD, "a")


def test_many_addresses_together_wait_too():
    now = [1000.0]
    lock = PasswordLock(PASSWORD, clock=lambda: now[0])
    lock._digest = lambda password: password.encode()  # a hundred true ones take seconds
    for i in range(20 * FREE_TRIES):
        assert not lock.try_password("x", f"10.0.0.{i}")
    with pytest.raises(RequestError, match="too many"):
        lock.try_password(PASSWORD, "10.0.1.1")
    now[0] += MAX_WAIT_S
    assert not lock.try_password("x" * 10_000, "10.0.1.1")


def test_a_short_password_is_refused():
    with pytest.raises(ConfigError, match="too short"):
        PasswordLock("secret")


# --- more than one at once ---


def test_people_who_label_at_once_lose_nothing(season, open_desk):
    results = season([Made(f"s1/{i:02}.jpg", (0.1, 0.2, 0.0, 0.7), hours=i) for i in range(20)])
    desks = [open_desk(results) for _ in range(2)]
    browsers = [enter(desk, by=by) for desk, by in zip(desks, ("AB", "CD"), strict=True)]
    ids = desks[0].index.clip_ids
    failed = []

    def label(browser, person):
        for i, clip_id in enumerate(ids):
            answer = say(browser, [clip_id], "deer", key=f"{person}-{i:08}")
            failed.extend([] if answer.status_code == 200 else [answer.text])

    threads = [threading.Thread(target=label, args=(b, p)) for b, p in zip(browsers, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    clips = browsers[0].get("/api/queue/all").json()["clips"]
    assert [(c["labels"], c["by_others"]) for c in clips] == [(["deer"], 1)] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="links need rights on Windows")
def test_the_server_answers_to_this_computer_alone():
    from leopardnet.review.web.serve_review import open_socket

    with open_socket(0) as listening:
        address, port = listening.getsockname()
        assert address == "127.0.0.1" and port > 0
        with pytest.raises(ConfigError, match="port"):
            listening.listen()
            open_socket(port)
