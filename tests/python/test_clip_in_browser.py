"""Clips play in a browser: Chromium opens each, plays it to the end, seeks in it, and says which frames it saw."""

import json
import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import eventlens

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RATE = 30
FRAMES = 240
WIDTH, HEIGHT = 160, 120
FFMPEG_INPUT = f"-v error -f rawvideo -pix_fmt gray -s {WIDTH}x{HEIGHT} -r {RATE} -i -".split()
CHROMIUM_OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio", "--no-first-run"]
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
START, END = 1.7, 5.33  # begins and ends within a group of pictures

# What is drawn after each seek is read from a canvas: 4 x 4 fields, the lowest bit of the frame's number first.
PAGE = f"""<!doctype html><video id=v muted playsinline></video><script>
const video = document.getElementById('v'), seen = [];
const heard = (name) => new Promise((yes, no) => {{
    video.addEventListener(name, yes, {{once: true}});
    video.addEventListener('error', () => no(video.error.message), {{once: true}});
}});
const painted = () => new Promise((yes) => video.requestVideoFrameCallback((now, frame) => yes(frame.mediaTime)));
function number() {{
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [{WIDTH}, {HEIGHT}];
    const pen = canvas.getContext('2d');
    pen.drawImage(video, 0, 0, {WIDTH}, {HEIGHT});
    let read = 0;
    for (let field = 0; field < 16; ++field) {{
        const x = (field % 4 + 0.5) * {WIDTH} / 4, y = (Math.floor(field / 4) + 0.5) * {HEIGHT} / 4;
        if (pen.getImageData(x, y, 1, 1).data[1] > 125) read |= 1 << field;
    }}
    return read;
}}
async function look() {{
    const file = await (await fetch('clip.mp4')).blob();
    const ready = Promise.all([heard('loadeddata'), painted()]);
    video.src = URL.createObjectURL(file);
    await ready;
    const result = {{duration: video.duration, width: video.videoWidth, height: video.videoHeight, first: number()}};
    const ended = heard('ended');
    video.playbackRate = 3;
    await video.play();
    await ended;
    result.ended_at = video.currentTime;
    result.last = number();
    result.seeks = [];
    for (const frame of [0, 17, 8, 60, 59, 101, 1, 30]) {{
        const landed = Promise.all([heard('seeked'), painted()]);
        video.currentTime = (frame + 0.5) / {RATE};
        await landed;
        result.seeks.push([frame, number()]);
    }}
    return result;
}}
look().catch((error) => ({{error: String(error)}})).then(
    (result) => fetch('result', {{method: 'POST', body: JSON.stringify(result)}}));
</script>"""


def make_numbered_video(path, *arguments):
    frames = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    field = rows * 4 // HEIGHT * 4 + columns * 4 // WIDTH
    for number in range(FRAMES):
        frames[number] = np.where(number >> field & 1, 210, 40)
    sound = f"-f lavfi -t {FRAMES / RATE} -i sine".split()
    subprocess.run(
        ["ffmpeg", *FFMPEG_INPUT, *sound, *arguments, path],
        input=frames.tobytes(),
        check=True,
    )


@contextmanager
def served(clip):
    """The page and the clip on a port of this machine; gives the address and a function that waits for the result."""
    arrived = threading.Event()
    results = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self, body, kind):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path == "/clip.mp4":
                self.answer(clip.read_bytes(), "video/mp4")
            else:
                self.answer(PAGE.encode(), "text/html")

        def do_POST(self):
            results.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(b"", "text/plain")
            arrived.set()

        def log_message(self, *_):
            pass

    def result(timeout):
        assert arrived.wait(timeout), "the browser said nothing"
        return results[0]

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", result
        finally:
            server.shutdown()
            thread.join()


def what_chromium_sees(clip, profile):
    with served(clip) as (address, result):
        browser = subprocess.Popen(
            [CHROMIUM, *CHROMIUM_OPTIONS, AUTOPLAY, f"--user-data-dir={profile}", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return result(timeout=90)
        finally:
            browser.terminate()
            browser.wait(timeout=30)


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here (Debian: apt install chromium)")
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg here, which makes the videos")
@pytest.mark.parametrize(
    ("file", "arguments", "method"),
    [
        ("h264.mp4", "-c:v libx264 -pix_fmt yuv420p -g 30 -sc_threshold 0 -bf 3 -c:a aac", "smart"),
        ("h264.ts", "-c:v libx264 -pix_fmt yuv420p -g 30 -sc_threshold 0 -bf 3 -c:a aac", "smart"),
        (
            "hevc.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -c:a aac",
            "encoded",
        ),
        (
            "vp9.webm",
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p -c:a libopus",
            "encoded",
        ),
        ("av1.mp4", "-c:v libsvtav1 -preset 12 -pix_fmt yuv420p -c:a aac", "encoded"),
        ("mpeg4.avi", "-c:v mpeg4 -q:v 2 -bf 2 -c:a mp3", "encoded"),
        ("jpeg.mov", "-c:v mjpeg -q:v 3 -pix_fmt yuvj422p -c:a pcm_s16le", "encoded"),
    ],
)
def test_chromium_shows_every_frame_of_the_clip_and_no_other(tmp_path, file, arguments, method):
    make_numbered_video(tmp_path / file, *arguments.split())
    clip = eventlens.cut_clip(tmp_path / file, (START, END), tmp_path / "clip.mp4")
    assert clip.method == method, clip.note
    first, last = 51, 159  # shown at 1.7 s; the last to begin before 5.33 s
    seen = what_chromium_sees(tmp_path / "clip.mp4", tmp_path / "profile")

    assert "error" not in seen, seen
    assert (seen["width"], seen["height"]) == (WIDTH, HEIGHT)
    assert seen["duration"] == pytest.approx((last - first + 1) / RATE, abs=0.05)
    assert (seen["first"], seen["last"]) == (first, last)
    assert seen["ended_at"] == pytest.approx(seen["duration"], abs=0.05)
    assert seen["seeks"] == [[frame, first + frame] for frame, _ in seen["seeks"]]
