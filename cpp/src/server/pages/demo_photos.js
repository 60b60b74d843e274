// The photos that were found: rows of thumbnails, and one of them large.

const $ = (id) => document.getElementById(id);
const SWIPE = 50; // pixels

let photos = [];
let shown = 0;
let total = 0;

export function clearPhotos() {
    photos = [];
    $("photos").replaceChildren();
}

// Appends a page of the answer; `all` is how many there are on every page together.
export function addPhotos(images, all) {
    total = all;
    for (const image of images) {
        const number = photos.push(image);
        const item = document.createElement("li");
        const button = document.createElement("button");
        const thumbnail = document.createElement("img");
        // Photos of unknown size get the shape that most cameras have. Extreme ones would make rows of one photo.
        const shape = image.width && image.height ? image.width / image.height : 1.5;
        item.style.setProperty("--shape", Math.min(2.4, Math.max(0.5, shape)));
        button.type = "button";
        button.setAttribute("aria-label", `Photo ${number} of ${all}: show it large`);
        button.addEventListener("click", () => open(number - 1));
        thumbnail.loading = "lazy";
        thumbnail.decoding = "async";
        thumbnail.alt = "";
        thumbnail.src = image.thumbnail_url;
        button.append(thumbnail);
        item.append(button);
        $("photos").append(item);
    }
}

function open(number) {
    show(number);
    $("viewer").showModal();
}

function show(number) {
    shown = number;
    const large = $("large");
    $("large-trouble").hidden = true;
    large.hidden = false;
    large.alt = `Photo ${number + 1} of ${total}`;
    large.src = photos[number].img_url;
    $("place").textContent = `${number + 1} of ${total}`;
    $("download-note").textContent = "";
    $("previous").hidden = number === 0;
    $("next").hidden = number === photos.length - 1;
    if (number + 1 < photos.length) new Image().src = photos[number + 1].img_url; // is there when it is asked for
}

function move(by) {
    const number = shown + by;
    if (number >= 0 && number < photos.length) show(number);
}

// `original` gives {url, filename} for a photo's id.
export function setUpViewer(original) {
    const viewer = $("viewer");
    $("close").addEventListener("click", () => viewer.close());
    $("previous").addEventListener("click", () => move(-1));
    $("next").addEventListener("click", () => move(1));
    viewer.addEventListener("keydown", (event) => {
        if (event.key === "ArrowLeft") move(-1);
        if (event.key === "ArrowRight") move(1);
    });
    viewer.addEventListener("close", () => {
        $("large").removeAttribute("src");
        $("photos").children[shown]?.firstElementChild.focus(); // where the eye is
    });
    $("large").addEventListener("error", () => {
        if (!$("large").hasAttribute("src")) return;
        $("large").hidden = true;
        $("large-trouble").hidden = false;
    });

    let from = null;
    viewer.addEventListener("pointerdown", (event) => { from = event.clientX; });
    viewer.addEventListener("pointerup", (event) => {
        const moved = from === null ? 0 : event.clientX - from;
        from = null;
        if (Math.abs(moved) > SWIPE) move(moved < 0 ? 1 : -1);
    });

    $("download").addEventListener("click", async () => {
        const note = $("download-note");
        const photo = photos[shown];
        if (!photo.original_url) { // the event keeps its originals: what is shown can be had
            save(photo.img_url, "");
            return;
        }
        $("download").disabled = true;
        note.textContent = "Asking for the original …";
        try {
            const file = await original(photo.image_id);
            save(file.url, file.filename);
            note.textContent = "";
        } catch (error) {
            note.textContent = error.message;
        }
        $("download").disabled = false;
    });
}

// Buckets are elsewhere: what comes from there opens beside the page if the browser does not save it.
function save(url, name) {
    const link = document.createElement("a");
    Object.assign(link, { href: url, download: name, target: "_blank", rel: "noopener" });
    link.click();
}
