// Renders the OpenAPI document of this server and makes calls to it. Knows OpenAPI 3.1, and nothing of this API.

import { exampleOf, inAWord, resolve, setDocument, tree } from "./docs_schema.js";

const $ = (id) => document.getElementById(id);
const METHODS = ["get", "put", "post", "delete", "patch"];
const LONGEST_TEXT = 200_000; // characters of an answer that are shown

// Keys and ids that every call shares, by their names. They are nowhere but here.
const values = new Map();
const listeners = []; // redraw what depends on them

// make("p", {className: "soft"}, "text", child)
function make(tag, properties = {}, ...children) {
    const { data = {}, ...own } = properties;
    const element = Object.assign(document.createElement(tag), own);
    for (const [name, value] of Object.entries(data)) element.setAttribute(name, value);
    element.append(...children);
    return element;
}

// Text of the document: paragraphs, `code`, **strong** and lists are all that is understood of Markdown.
function words(text) {
    const block = make("div", { className: "words" });
    for (const part of text.split(/\n{2,}/)) {
        const lines = part.split("\n");
        if (lines.every((line) => /^[-*] /.test(line))) {
            block.append(make("ul", {}, ...lines.map((line) => make("li", {}, ...inline(line.slice(2))))));
        } else {
            block.append(make("p", {}, ...inline(part)));
        }
    }
    return block;
}

function inline(text) {
    return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece) => {
        if (/^`.+`$/.test(piece)) return make("code", {}, piece.slice(1, -1));
        if (/^\*\*.+\*\*$/.test(piece)) return make("strong", {}, piece.slice(2, -2));
        return piece;
    });
}

// --- the document ---

function render(api) {
    setDocument(api);
    document.title = `${api.info.title} API`;
    $("title").textContent = `${api.info.title} API`;
    if (api.info.description) $("about").append(words(api.info.description));
    const operations = Object.entries(api.paths).flatMap(([path, item]) =>
        METHODS.filter((method) => item[method]).map((method) => ({
            ...item[method], path, method,
            parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(resolve),
        })));
    renderSharedValues(api, operations);
    const tags = api.tags ?? [{ name: "Operations" }];
    const known = new Set(tags.map((tag) => tag.name));
    for (const tag of tags) {
        const own = operations.filter((operation) =>
            (operation.tags ?? []).includes(tag.name) || (tag === tags.at(-1) && !operation.tags?.some((name) => known.has(name))));
        if (own.length === 0) continue;
        $("index").append(make("h2", {}, tag.name), make("ul", {}, ...own.map(indexEntry)));
        $("operations").append(make("section", { className: "group" },
            make("h2", {}, tag.name),
            tag.description ? words(tag.description) : "",
            ...own.map((operation) => renderOperation(api, operation))));
    }
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
    watchWhereWeAre();
}

function anchor(operation) { return operation.operationId ?? `${operation.method}-${operation.path}`; }

function methodMark(method) { return make("span", { className: `method ${method}` }, method.toUpperCase()); }

function indexEntry(operation) {
    const entry = make("li", {}, make("a", { href: `#${encodeURIComponent(anchor(operation))}` },
        methodMark(operation.method), make("span", {}, operation.summary ?? operation.path)));
    entry.dataset.text = `${operation.method} ${operation.path} ${operation.summary} ${operation.operationId}`.toLowerCase();
    return entry;
}

function renderSharedValues(api, operations) {
    const schemes = Object.values(api.components?.securitySchemes ?? {}).map(resolve).filter((scheme) => scheme.type === "apiKey");
    for (const scheme of schemes) {
        sharedField(scheme.name, scheme.name, { type: "password", placeholder: scheme.description ?? "" });
    }
    const uses = new Map();
    for (const { parameters } of operations) {
        for (const { name, in: place } of parameters) if (place === "path") uses.set(name, (uses.get(name) ?? 0) + 1);
    }
    for (const [name, times] of uses) if (times > 2) sharedField(name, name, {});
    $("values").addEventListener("submit", (event) => event.preventDefault());
}

function sharedField(name, label, properties) {
    const input = make("input", { name, autocomplete: "off", spellcheck: false, ...properties });
    input.addEventListener("input", () => {
        values.set(name, input.value.trim());
        for (const listener of listeners) listener();
    });
    values.set(name, "");
    $("values").append(make("label", {}, label, input));
}

function renderOperation(api, operation) {
    const article = make("article", { id: anchor(operation) },
        make("h3", {}, operation.summary ?? operation.path),
        make("p", { className: "line" }, methodMark(operation.method), make("span", { className: "path" }, operation.path)));
    if (operation.deprecated) article.append(make("p", { className: "bad" }, "Deprecated."));
    if (operation.description) article.append(words(operation.description));
    if (operation.parameters.length) article.append(make("h4", {}, "Parameters"), parameterTable(operation.parameters));
    const body = resolve(operation.requestBody);
    for (const [type, content] of Object.entries(body?.content ?? {})) {
        article.append(make("h4", {}, `Body: ${type}`), schemaAndExample(type, content));
    }
    article.append(make("h4", {}, "Answers"));
    for (const [status, raw] of Object.entries(operation.responses ?? {})) article.append(renderAnswer(status, resolve(raw)));
    article.append(tryForm(api, operation, body));
    return article;
}

function parameterTable(parameters) {
    const rows = parameters.map((parameter) => make("tr", {},
        make("td", {}, make("span", { className: "name" }, parameter.name), " ",
            parameter.required ? make("span", { className: "needed" }, "required") : ""),
        make("td", { className: "kind" }, parameter.in),
        make("td", {}, make("span", { className: "kind" }, inAWord(parameter.schema ?? {})),
            parameter.description ? make("div", {}, ...inline(parameter.description)) : "")));
    const head = ["Name", "In", "What"].map((title) => make("th", { scope: "col" }, title));
    return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

function schemaAndExample(type, content) {
    const fields = content.schema ? tree(content.schema, make) : null;
    const side = make("div", { className: "side" }, fields ?? "");
    if (/json/.test(type)) {
        side.append(make("pre", { className: "tall", tabIndex: 0 }, JSON.stringify(exampleOf(content), null, 2)));
    } else if (!fields && content.schema) {
        side.append(make("p", { className: "kind" }, inAWord(content.schema)));
    }
    return side;
}

function renderAnswer(status, answer) {
    const details = make("details", {}, make("summary", {},
        make("b", { className: /^[23]/.test(status) ? "good" : "bad" }, status), make("span", {}, ...inline(answer.description))));
    details.addEventListener("toggle", () => { // what nobody opens costs nothing
        if (details.childElementCount > 1) return;
        const inside = make("div", { className: "inside" });
        for (const [name, raw] of Object.entries(answer.headers ?? {})) {
            inside.append(make("p", {}, make("span", { className: "name" }, name), " ", resolve(raw).description ?? ""));
        }
        for (const [type, content] of Object.entries(answer.content ?? {})) {
            inside.append(make("p", { className: "kind" }, type), schemaAndExample(type, content));
        }
        details.append(inside);
    });
    return details;
}

// --- trying ---

function tryForm(api, operation, body) {
    const details = make("details", { className: "try" }, make("summary", {}, make("strong", {}, "Try it")));
    details.addEventListener("toggle", () => {
        if (details.childElementCount === 1) details.append(makeTryForm(api, operation, body));
    });
    return details;
}

function makeTryForm(api, operation, body) {
    const fields = make("div", { className: "fields" });
    const form = make("form", { className: "inside" }, fields);
    const inputs = operation.parameters.filter(({ name, in: place }) => !(place === "path" && values.has(name)))
        .map((parameter) => ({ parameter, input: parameterField(parameter, fields) }));
    const [type, content] = Object.entries(body?.content ?? {})[0] ?? [];
    const bodyFields = type ? bodyFieldsOf(type, content, fields) : [];
    if (!fields.childElementCount) fields.remove();

    const curl = make("pre", {});
    const copy = make("button", { type: "button" }, "Copy");
    const answer = make("div", { className: "answer", data: { "aria-live": "polite" } });
    const send = make("button", { className: "main" }, "Send");
    const missing = make("span", { className: "soft" });
    form.append(make("div", { className: "go" }, send, missing), make("div", { className: "curl" }, curl, copy), answer);

    const current = () => requestOf(api, operation, inputs, type, bodyFields);
    const redraw = () => {
        const request = current();
        curl.textContent = curlOf(request);
        missing.replaceChildren(...(request.missing.length
            ? [`Lacks ${request.missing.join(", ")}: `, make("a", { href: "#access" }, "to be entered above")] : []));
    };
    form.addEventListener("input", redraw);
    listeners.push(redraw);
    redraw();
    copy.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(curl.textContent);
            copy.textContent = "Copied";
        } catch { // browsers give the clipboard to secure pages only
            getSelection().selectAllChildren(curl);
            copy.textContent = "Selected";
        }
    });
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        send.disabled = true;
        await sendAndShow(current(), answer);
        send.disabled = false;
    });
    return form;
}

function labelled(label, input, wide = false) { return make("label", { className: wide ? "wide" : "" }, label, input); }

function parameterField(parameter, fields) {
    const schema = resolve(parameter.schema) ?? {};
    const input = make("input", { autocomplete: "off", spellcheck: false });
    const example = parameter.example ?? schema.example ?? schema.examples?.[0];
    input.placeholder = schema.default !== undefined ? String(schema.default) : String(example ?? "");
    fields.append(labelled(parameter.name, input));
    return input;
}

function bodyFieldsOf(type, content, fields) {
    if (type === "multipart/form-data") {
        return Object.entries(resolve(content.schema).properties ?? {}).map(([name, raw]) => {
            const isFile = Boolean(resolve(raw).contentMediaType) || resolve(raw).format === "binary";
            const input = make("input", { type: isFile ? "file" : "text", autocomplete: "off" });
            fields.append(labelled(name, input));
            return { name, input, isFile };
        });
    }
    const input = make("textarea", { spellcheck: false });
    input.value = /json/.test(type) ? JSON.stringify(exampleOf(content), null, 2) : "";
    fields.append(labelled(`Body (${type})`, input, true));
    return [{ input }];
}

// What would be sent now: { method, url, headers, body, form, missing }
function requestOf(api, operation, inputs, type, bodyFields) {
    const missing = [];
    const query = new URLSearchParams();
    const headers = {};
    let path = operation.path.replace(/\{([^}]+)\}/g, (whole, name) => {
        const own = inputs.find(({ parameter }) => parameter.in === "path" && parameter.name === name);
        const value = own ? own.input.value : values.get(name);
        if (value) return encodeURIComponent(value);
        missing.push(name);
        return whole;
    });
    for (const { parameter, input } of inputs) {
        if (parameter.in === "query" && input.value !== "") query.append(parameter.name, input.value);
        if (parameter.in === "header" && input.value !== "") headers[parameter.name] = input.value;
        if (parameter.in === "query" && parameter.required && input.value === "") missing.push(parameter.name);
    }
    for (const requirement of operation.security ?? api.security ?? []) {
        for (const name of Object.keys(requirement)) {
            const scheme = resolve(api.components.securitySchemes[name]);
            if (scheme.in === "header" && values.get(scheme.name)) headers[scheme.name] = values.get(scheme.name);
            else if (scheme.in === "header" && !("" in requirement)) missing.push(scheme.name);
        }
    }
    if (query.size) path += `?${query}`;
    const request = { method: operation.method.toUpperCase(), url: new URL(path.slice(1), document.baseURI).href, headers, missing };
    if (type === "multipart/form-data") {
        request.form = bodyFields.filter(({ input, isFile }) => (isFile ? input.files.length : input.value !== ""));
    } else if (type) {
        headers["Content-Type"] = type;
        request.body = bodyFields[0].input.value;
    }
    return request;
}

function quoted(text) { return `'${text.replaceAll("'", "'\\''")}'`; }

// For a shell. The key is left to a variable, so that it does not end in a history.
function curlOf({ method, url, headers, body, form }) {
    const secret = new Set([...values.keys()]);
    const parts = [method === "GET" ? "curl" : `curl -X ${method}`, quoted(decodeURI(url).includes("{") ? decodeURI(url) : url)];
    for (const [name, value] of Object.entries(headers)) {
        parts.push(secret.has(name) ? `-H "${name}: $EVENTLENS_KEY"` : `-H ${quoted(`${name}: ${value}`)}`);
    }
    for (const { name, input, isFile } of form ?? []) {
        parts.push(`-F ${quoted(`${name}=${isFile ? `@${input.files[0].name}` : input.value}`)}`);
    }
    if (body) parts.push(`-d ${quoted(body)}`);
    return parts.join(" \\\n  ");
}

async function sendAndShow({ method, url, headers, body, form }, answer) {
    let content = body;
    if (form) {
        content = new FormData();
        for (const { name, input, isFile } of form) content.append(name, isFile ? input.files[0] : input.value);
    }
    answer.replaceChildren(make("p", { className: "soft" }, "Waiting …"));
    const start = performance.now();
    try {
        const response = await fetch(url, { method, headers, body: content, cache: "no-store" });
        const bytes = await response.blob();
        const told = make("p", { className: "told" },
            make("b", { className: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`.trim()),
            make("span", { className: "soft" }, ` in ${Math.round(performance.now() - start)} ms, ${bytes.size.toLocaleString()} bytes`));
        answer.replaceChildren(told, await shown(response, bytes));
    } catch (error) {
        answer.replaceChildren(make("p", { className: "bad" }, `Nothing was answered: ${error.message}`));
    }
}

async function shown(response, bytes) {
    const type = response.headers.get("Content-Type") ?? "";
    if (type.startsWith("image/")) return make("img", { src: URL.createObjectURL(bytes), alt: "The answer, a picture" });
    let text = await bytes.text();
    if (/json/.test(type)) {
        try {
            text = JSON.stringify(JSON.parse(text), null, 2);
        } catch {
            text = `(not valid JSON)\n${text}`;
        }
    }
    const cut = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}\n… ${text.length - LONGEST_TEXT} more characters` : text;
    return make("pre", { className: "tall", tabIndex: 0 }, cut);
}

// --- finding one's way ---

$("filter").addEventListener("input", () => {
    const wanted = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const entry of document.querySelectorAll("#index li")) {
        entry.hidden = !wanted.every((word) => entry.dataset.text.includes(word));
    }
    for (const list of document.querySelectorAll("#index ul")) {
        list.previousElementSibling.hidden = ![...list.children].some((entry) => !entry.hidden);
    }
});

function watchWhereWeAre() {
    const observer = new IntersectionObserver((entries) => {
        const seen = entries.find((entry) => entry.isIntersecting);
        if (!seen) return;
        for (const link of document.querySelectorAll("#index a")) {
            if (link.hash === `#${encodeURIComponent(seen.target.id)}`) link.setAttribute("aria-current", "true");
            else link.removeAttribute("aria-current");
        }
    }, { rootMargin: "-10% 0px -80% 0px" });
    for (const article of document.querySelectorAll("article")) observer.observe(article);
}

async function start() {
    $("menu").open = matchMedia("(min-width: 861px)").matches; // on a phone it would be in the way

    try {
        const response = await fetch($("document").href);
        if (!response.ok) throw new Error(`status ${response.status}`);
        render(await response.json());
    } catch (error) {
        $("title").textContent = "The document cannot be shown";
        $("about").append(make("p", { className: "bad" }, error.message));
        throw error;
    }
}
start();
