// What a schema of the document says, for people: in a word, as a tree, and as an example.

let whole; // the document that references point into

export function setDocument(document) { whole = document; }

// What a reference points to, itself where it is none.
export function resolve(thing) {
    if (!thing?.$ref) return thing;
    const found = thing.$ref.slice(2).split("/").reduce(
        (place, step) => place?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], whole);
    if (found === undefined) throw new Error(`the document has no ${thing.$ref}`);
    return resolve({ ...found, ...(thing.description && { description: thing.description }) });
}

// One schema of those that must hold together.
function joined(schema) {
    const own = resolve(schema) ?? {};
    return (own.allOf ?? []).map(joined).reduce((sum, part) => ({
        ...sum, ...part,
        properties: { ...sum.properties, ...part.properties },
        required: [...(sum.required ?? []), ...(part.required ?? [])],
    }), own);
}

// Schemas of which one holds; null where they say only which of the fields must be there.
function choicesOf(schema) { return schema.properties ? null : schema.oneOf ?? schema.anyOf ?? null; }

// "integer, 1 to 100, default 32"
export function inAWord(raw) {
    const schema = joined(raw);
    const words = [kind(schema)];
    if (schema.const !== undefined) words.push(`always ${JSON.stringify(schema.const)}`);
    if (schema.enum) words.push(schema.enum.map((value) => JSON.stringify(value)).join(" | "));
    words.push(range(schema.minimum, schema.maximum, ""), range(schema.minLength, schema.maxLength, " characters"));
    words.push(range(schema.minItems, schema.maxItems, " items"));
    if (schema.pattern) words.push(`matching ${schema.pattern}`);
    if (schema.default !== undefined) words.push(`default ${JSON.stringify(schema.default)}`);
    return words.filter(Boolean).join(", ");
}

function kind(schema) {
    if (choicesOf(schema)) return "one of";
    if (schema.contentMediaType) return "file";
    const types = [schema.type ?? (schema.properties ? "object" : [])].flat();
    const named = types.map((type) => {
        if (type === "array") return `array of ${schema.items ? kind(joined(schema.items)) : "anything"}`;
        if (type === "string" && schema.format) return schema.format === "uuid" ? "UUID" : schema.format;
        return type;
    });
    return named.join(" or ");
}

const LIMITS = [2 ** 31 - 1, Number.MAX_SAFE_INTEGER]; // ends of integer types say nothing to people

function range(least, most, unit) {
    const limitless = most === undefined || most === LIMITS[0] || most >= LIMITS[1];
    if (least === undefined && limitless) return "";
    if (limitless && unit) return least === 1 ? "not empty" : least > 1 ? `at least ${least}${unit}` : "";
    if (limitless) return `from ${least}`;
    if (least === undefined) return `at most ${most}${unit}`;
    return least === most ? `${least}${unit}` : `${least} to ${most}${unit}`;
}

// The fields of an object or of an array's items, as nested lists; null where there are none.
export function tree(raw, make) {
    const schema = joined(raw);
    if (schema.items) return tree(schema.items, make);
    const list = make("ul", { className: "tree" });
    const choices = choicesOf(schema);
    if (choices) {
        for (const [index, option] of choices.entries()) {
            const inside = tree(option, make);
            if (!inside) continue;
            list.append(make("li", {}, make("span", { className: "kind" }, index ? "or" : "either"), inside));
        }
        return list.childElementCount ? list : null;
    }
    const someOf = (schema.anyOf ?? schema.oneOf ?? []).map((option) => resolve(option).required?.join(" and ")).filter(Boolean);
    if (someOf.length > 1) list.append(make("li", { className: "kind" }, `${someOf.join(" or ")} must be there`));
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
        const about = joined(field).description;
        const item = make("li", {}, make("span", { className: "name" }, name), " ",
            make("span", { className: "kind" }, inAWord(field)),
            schema.required?.includes(name) ? "" : make("span", { className: "kind" }, " (may be left out)"),
            about ? make("div", { className: "soft" }, about) : "");
        const inside = tree(field, make);
        if (inside) item.append(inside);
        list.append(item);
    }
    return list.childElementCount ? list : null;
}

// The document's own example of a body, else one made from its schema.
export function exampleOf(content) {
    if (content.example !== undefined) return content.example;
    const [first] = Object.values(content.examples ?? {}).map(resolve);
    return first?.value ?? sample(content.schema);
}

function sample(raw) {
    const schema = joined(raw);
    if (schema.const !== undefined) return schema.const;
    if (schema.example !== undefined) return schema.example;
    if (schema.examples?.length) return schema.examples[0];
    if (schema.default !== undefined) return schema.default;
    if (schema.enum) return schema.enum[0];
    const [choice] = choicesOf(schema) ?? [];
    if (choice) return sample(choice);
    const [type] = [schema.type ?? (schema.properties ? "object" : "string")].flat();
    switch (type) {
        case "object":
            return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, sample(field)]));
        case "array": return schema.items ? [sample(schema.items)] : [];
        case "integer": return schema.minimum ?? 0;
        case "number": return schema.minimum ?? 0;
        case "boolean": return true;
        case "null": return null;
        default: return sampleText(schema);
    }
}

function sampleText(schema) {
    switch (schema.format) {
        case "uuid": return "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10";
        case "date": return "2026-05-09";
        case "date-time": return "2026-05-09T07:30:00";
        case "uri": return "https://media.example.org/";
        default: return "text";
    }
}
