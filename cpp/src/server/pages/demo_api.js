// Speaks to the server, for one event and with its short-lived token.

const TRIES = 4;
const LONGEST_WAIT = 30; // seconds

// What went wrong, in words for whoever reads the page. `status` is HTTP's, or 0 where nothing was heard.
export class Trouble extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

export class EventApi {
    #base;
    #token;

    constructor({ org, event, token }) {
        this.#base = `api/v1/ext/${encodeURIComponent(org)}/event/${encodeURIComponent(event)}`;
        this.#token = token;
    }

    details(signal) { return this.#get("details", {}, signal); }
    days(signal) { return this.#get("timeline/days", {}, signal); }
    byTime(from, to, page, signal) { return this.#get("timeline/images", { from, to, page }, signal); }
    byBib(bib, page, signal) { return this.#get(`bibs/${encodeURIComponent(bib)}`, { page }, signal); }
    bySelfie(id, page, signal) { return this.#get(`faces/${id}`, { page }, signal); }
    clips(id, signal) { return this.#get(`video-clipping/${id}`, {}, signal); }

    // The id is ours, so that the same search can be asked for again when its answer was lost.
    searchSelfie(file, id, signal, onWait) {
        const form = new FormData();
        form.append("file", file, "selfie.jpg");
        form.append("request_id", id);
        return this.#call("faces", { method: "POST", body: form, signal }, onWait);
    }

    startClipsOfSelfie(id, signal) {
        const form = new FormData();
        form.append("request_id", id);
        return this.#call("video-clipping/search-by-selfie", { method: "POST", body: form, signal });
    }

    startClipsOfBib(bib, id, signal) {
        return this.#call("video-clipping/search-by-bib", asJson({ bib, request_id: id }, signal));
    }

    // A link to the photo as it was taken, made for this one download.
    async original(image) {
        const data = await this.#call("original-photos", asJson({ method: "image_id", identifier: image }));
        if (data.presigned_urls.length === 0) throw new Trouble(200, "The original of this photo cannot be had just now.");
        return data.presigned_urls[0];
    }

    #get(path, query, signal) {
        const text = new URLSearchParams(query).toString();
        return this.#call(text ? `${path}?${text}` : path, { signal });
    }

    // Asks again after 429 and 5xx and where nothing was heard, later each time. `onWait` is told the seconds.
    async #call(path, options, onWait = () => {}) {
        for (let attempt = 1; ; ++attempt) {
            const reply = await this.#ask(path, options);
            if (reply.data) return reply.data;
            const maySucceed = reply.status === 0 || reply.status === 429 || reply.status >= 500;
            if (!maySucceed || attempt === TRIES) throw inWords(reply);
            const wait = Math.min(LONGEST_WAIT, reply.retryAfter || 2 ** (attempt - 1));
            onWait(wait);
            await pause(wait, options.signal);
        }
    }

    async #ask(path, options) {
        let response;
        try {
            response = await fetch(`${this.#base}/${path}`, {
                ...options,
                headers: { ...options.headers, "X-Event-Token": this.#token },
                cache: "no-store",
            });
        } catch (error) {
            if (error.name === "AbortError") throw error;
            return { status: 0 };
        }
        const envelope = await response.json().catch(() => ({})); // a proxy's own page is no JSON
        if (response.ok && envelope.data) return { data: { ...envelope.data, told: envelope.message } };
        return {
            status: response.status,
            message: envelope.message,
            retryAfter: Number(response.headers.get("Retry-After")) || 0,
        };
    }
}

function asJson(body, signal) {
    return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal };
}

function inWords({ status, message }) {
    const words = {
        0: "The server cannot be reached. Is this device online?",
        401: "This link is not complete. Open the organiser’s link or QR code again.",
        403: "This link no longer works: it may have run out. Open the organiser’s link or QR code again.",
        413: "This picture is too large. Choose a smaller one.",
        429: "Many people are searching just now. Wait a minute, then try again.",
    };
    if (status in words) return new Trouble(status, words[status]);
    if (status >= 500) return new Trouble(status, "The server has trouble just now. Try again in a minute.");
    return new Trouble(status, message || `The server did not understand (status ${status}).`);
}

// Ends early, by an AbortError, when the signal says so.
export function pause(seconds, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, seconds * 1000);
        signal?.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
        }, { once: true });
    });
}

// crypto.randomUUID() is there on HTTPS only, and organisers try things on their own network without.
export function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
