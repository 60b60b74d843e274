// The participant's page. Its address carries what it needs behind the '#', which browsers send to no server:
// event, org and token, and, once something was searched for, the search, so that the page can be reloaded.

import { EventApi, Trouble, newId, pause } from "./demo_api.js";
import { addPhotos, clearPhotos, setUpViewer } from "./demo_photos.js";

const $ = (id) => document.getElementById(id);
const LONGEST_SIDE = 1600; // pixels of a selfie: more shows no face any better
const POLLS = [3, 5, 10, 15]; // seconds between looks at a clip job; the last one again and again
const POLLS_FOR = 15 * 60; // seconds

const link = new URLSearchParams(location.hash.slice(1));
const api = new EventApi({ org: link.get("org") ?? "", event: link.get("event") ?? "", token: link.get("token") ?? "" });
let event; // its details
let running = new AbortController(); // ended when something else is asked for

// --- what can be searched for ---

// A search is { kind, title(total), nothing, page(number, signal) }, and { clips } where videos can show the same person.
function bibSearch(bib) {
    return {
        address: { bib },
        title: (total) => `${count(total, "photo")} with number ${bib}`,
        nothing: `We found no photo with number ${bib}.`,
        hint: "It may be hidden or unreadable in your photos: a selfie looks for your face instead.",
        note: "As far as we can read the numbers.",
        page: (number, signal) => api.byBib(bib, number, signal),
        clips: event.video_search && event.bib_search && {
            id: newId(),
            start(signal) { return api.startClipsOfBib(bib, this.id, signal); },
        },
    };
}

// `file` is null where the search was made before and only its answer is read again.
function selfieSearch(id, file) {
    let sent = file === null;
    return {
        address: { selfie: id },
        title: (total) => `We think ${total === 1 ? "this photo shows" : `these ${total.toLocaleString()} photos show`} you`,
        nothing: "We found no photo of you.",
        hint: "Try a selfie from the front, in good light, without sunglasses. Photos may still be on their way, too.",
        note: "The surest first; further down may be somebody who looks like you.",
        async page(number, signal) {
            if (sent) return api.bySelfie(id, number, signal);
            const answer = await api.searchSelfie(file, id, signal, (seconds) =>
                busy(`Many people are searching just now. Trying again in ${count(seconds, "second")} …`));
            sent = true;
            return answer;
        },
        clips: event.video_search && event.video_selfie_search && {
            id,
            start: (signal) => api.startClipsOfSelfie(id, signal),
        },
    };
}

function hourSearch(from, to, name) {
    return {
        address: {},
        title: (total) => `${count(total, "photo")} from ${name}`,
        nothing: "There is no photo of this hour any more.",
        hint: "",
        note: "",
        page: (number, signal) => api.byTime(from, to, number, signal),
    };
}

// --- photos ---

async function search(what) {
    running.abort(new DOMException("something else was asked for", "AbortError"));
    running = new AbortController();
    const { signal } = running;
    setAddress(what.address);
    hideAnswer();
    $("selfie").hidden = !("selfie" in what.address) || !$("selfie").src;
    $("found-title").textContent = "Looking …";
    $("found").hidden = false;
    $("found").scrollIntoView();
    await nextPage(what, 1, signal);
}

function hideAnswer() {
    clearPhotos();
    for (const id of ["found-note", "more", "clips", "trouble"]) $(id).hidden = true;
}

async function nextPage(what, number, signal) {
    $("trouble").hidden = $("more").hidden = true;
    busy(number === 1 ? "Looking through the photos …" : "Fetching more …");
    try {
        const answer = await what.page(number, signal);
        if (signal.aborted) return;
        busy("");
        const { total, hasNextPage } = answer.pagination;
        if (number === 1) {
            $("found-title").textContent = total ? what.title(total) : what.nothing;
            tell("found-note", total ? what.note : nothingFound(what, answer));
            $("found-title").focus({ preventScroll: true });
            if (what.clips && !hasNoFace(what, answer)) offerClips(what.clips, total);
        }
        addPhotos(answer.images, total);
        $("more").hidden = !hasNextPage;
        $("more").onclick = () => nextPage(what, number + 1, signal);
    } catch (error) {
        if (error.name === "AbortError") return;
        busy("");
        if (number === 1) $("found-title").textContent = "That did not work";
        trouble(explained(error, what), () => nextPage(what, number, signal));
    }
}

// The server says so where the selfie shows no face, in words alone: this page and the server are of one version.
function hasNoFace(what, answer) {
    return "selfie" in what.address && answer.pagination.total === 0 && /no face/i.test(answer.told);
}

function nothingFound(what, answer) { return hasNoFace(what, answer) ? `${answer.told}. ${what.hint}` : what.hint; }

function explained(error, what) {
    if (!(error instanceof Trouble)) throw error;
    if (error.status === 404 && "selfie" in what.address) return "This search is no longer kept. Please search again.";
    return error.message;
}

// --- clips ---

function offerClips(clips, photosFound) {
    const { signal } = running;
    $("clips").hidden = false;
    $("clips-list").replaceChildren();
    $("clips-start").hidden = false;
    $("clips-note").textContent = photosFound
        ? "We can also look for you in the videos of this event and cut out the seconds that show you."
        : "You may still be in the videos of this event: we can look, and cut out the seconds that show you.";
    $("clips-start").onclick = async () => {
        $("clips-start").hidden = true;
        try {
            await makeClips(clips, signal);
        } catch (error) {
            if (error.name === "AbortError") return;
            $("clips-start").hidden = false;
            $("clips-note").textContent = clipTrouble(error);
        }
    };
}

async function makeClips(clips, signal) {
    $("clips-note").textContent = "Looking through the videos …";
    const { status, request_id: id } = await clips.start(signal);
    let job = status === "processing" ? { status } : await api.clips(id, signal); // an earlier call may have made them
    let waited = 0;
    for (let look = 0; job.status === "processing"; ++look) {
        if (waited > POLLS_FOR) throw new Trouble(0, "This takes unusually long. Your clips are still being made: ask again later.");
        const seconds = POLLS[Math.min(look, POLLS.length - 1)];
        $("clips-note").textContent = `Cutting your clips, which takes a moment … ${waited ? `(${waited} s)` : ""}`;
        await pause(seconds, signal);
        waited += seconds;
        job = await api.clips(id, signal);
    }
    showClips(job);
}

function showClips(job) {
    const words = {
        completed: `We think ${job.videos.length === 1 ? "this clip shows" : "these clips show"} you.`,
        no_matches: "We did not find you in the videos.",
        no_segments: "We saw you in the videos too briefly to make a clip of it.",
        clip_failed: "We found you in the videos, but the clips could not be cut. Try again later, or tell the organiser.",
        failed: "The videos could not be searched. Try again later, or tell the organiser.",
    };
    const missing = job.status === "completed" ? job.clip_errors.length : 0;
    $("clips-note").textContent = (words[job.status] ?? job.status) + (missing ? ` ${count(missing, "clip")} could not be made.` : "");
    $("clips-start").hidden = !["clip_failed", "failed"].includes(job.status);
    $("clips-list").replaceChildren(...job.videos.map((clip, index) => {
        const item = document.createElement("li");
        const video = document.createElement("video");
        Object.assign(video, { controls: true, playsInline: true, preload: "metadata", src: clip.video_url });
        video.setAttribute("aria-label", `Clip ${index + 1} of ${job.videos.length}`);
        const below = document.createElement("p");
        const when = document.createElement("span");
        when.className = "soft";
        when.textContent = `From ${withoutZeroHour(clip.start_time)} to ${withoutZeroHour(clip.end_time)}`;
        const download = document.createElement("a");
        Object.assign(download, { href: clip.video_url, download: `clip-${index + 1}.mp4`, textContent: "Download" });
        below.append(when, download);
        item.append(video, below);
        return item;
    }));
}

function clipTrouble(error) {
    if (!(error instanceof Trouble)) throw error;
    if (error.status === 400) return "The videos came after your search. Search once more, then ask for clips.";
    if (error.status === 404) return "There are no videos to look through.";
    return error.message;
}

function withoutZeroHour(time) { return time.replace(/^00:/, ""); }

// --- the day ---

async function showDay() {
    const { days } = await api.days();
    const hours = days.flatMap(({ date, hours }) =>
        hours.map(({ hour, count }) => ({ from: Date.parse(`${date}T00:00:00Z`) / 1000 + hour * 3600, count })));
    if (hours.length === 0) return;
    const most = Math.max(...hours.map((hour) => hour.count));
    const lists = new Map(); // by the day that this device's clock shows
    for (const { from, count: photos } of hours) {
        const start = new Date(from * 1000);
        const day = start.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
        if (!lists.has(day)) lists.set(day, document.createElement("ul"));
        const time = start.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
        lists.get(day).append(hourRow(from, time, photos, photos / most));
    }
    for (const [day, list] of lists) {
        const heading = document.createElement("h3");
        heading.textContent = day;
        $("days").append(heading, list);
    }
    $("day").hidden = false;
}

function hourRow(from, time, photos, part) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const [name, bar, number] = ["span", "i", "b"].map((tag) => document.createElement(tag));
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", `From ${time}: ${count(photos, "photo")}`);
    name.textContent = time;
    bar.style.setProperty("--part", part);
    number.textContent = photos.toLocaleString();
    button.append(name, bar, number);
    button.addEventListener("click", () => {
        search(hourSearch(from, from + 3600, `${time} on`));
        button.setAttribute("aria-pressed", "true");
    });
    item.append(button);
    return item;
}

// --- small things ---

function count(number, word) { return `${number.toLocaleString()} ${word}${number === 1 ? "" : "s"}`; }

function tell(id, text) {
    $(id).textContent = text;
    $(id).hidden = !text;
}

function busy(text) { tell("busy", text); }

function trouble(text, again) {
    $("trouble").firstElementChild.textContent = text;
    $("trouble").lastElementChild.onclick = again;
    $("trouble").hidden = false;
}

function setAddress(what) {
    for (const button of document.querySelectorAll("#days [aria-pressed=true]")) button.setAttribute("aria-pressed", "false");
    for (const key of ["bib", "selfie"]) link.delete(key);
    for (const [key, value] of Object.entries(what)) link.set(key, value);
    history.replaceState(null, "", `#${link}`);
}

// The picture upright and smaller, as a JPEG with nothing but its pixels: no place, no date, no camera.
async function onlyPixels(file) {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.92); });
}

async function takeSelfie(input) {
    const [chosen] = input.files;
    if (!chosen) return;
    let selfie;
    try {
        selfie = await onlyPixels(chosen);
    } catch {
        running.abort(new DOMException("", "AbortError"));
        $("found").hidden = false;
        $("selfie").hidden = true;
        hideAnswer();
        $("found-title").textContent = "That did not work";
        trouble("This browser cannot open that picture. Choose a JPEG or PNG, or take a new one.", () => input.click());
        return;
    } finally {
        input.value = ""; // so that the same file can be chosen again
    }
    URL.revokeObjectURL($("selfie").src);
    $("selfie").src = URL.createObjectURL(selfie);
    await search(selfieSearch(newId(), selfie));
}

function stop(text) {
    $("event").textContent = "Your photos";
    $("stop").textContent = text;
    $("stop").hidden = false;
}

async function start() {
    if (!link.get("event") || !link.get("org") || !link.get("token")) {
        stop("Open this page by the organiser’s link or QR code: it says which event, and lets you in.");
        return;
    }
    try {
        event = await api.details();
    } catch (error) {
        stop(error.message);
        return;
    }
    $("event").textContent = event.event_name ?? "Your photos";
    document.title = `${event.event_name ?? "Event"} · find your photos`;
    if (event.event_date) {
        tell("date", new Date(event.event_date).toLocaleDateString([], { dateStyle: "long" }));
    }
    $("by-selfie").hidden = !event.selfie_search;
    $("by-bib").hidden = !event.bib_search;
    $("ask").hidden = !event.selfie_search && !event.bib_search;
    if ($("ask").hidden && !event.timeline_search) {
        stop("The organiser has not opened the search of this event yet.");
        return;
    }
    setUpViewer((image) => api.original(image));
    for (const id of ["camera", "file"]) $(id).addEventListener("change", (changed) => takeSelfie(changed.target));
    $("by-bib").addEventListener("submit", (submitted) => {
        submitted.preventDefault();
        const bib = $("bib").value.trim().toUpperCase();
        if (bib) search(bibSearch(bib));
    });
    if (event.timeline_search) {
        showDay().catch((error) => {
            tell("day-note", `The day cannot be shown just now. ${error.message}`);
            $("day").hidden = false;
        });
    }
    if (link.get("selfie") && event.selfie_search) {
        search(selfieSearch(link.get("selfie"), null));
    } else if (link.get("bib") && event.bib_search) {
        $("bib").value = link.get("bib");
        search(bibSearch(link.get("bib")));
    }
}

addEventListener("hashchange", () => location.reload()); // another event's link was opened in this window
start();
