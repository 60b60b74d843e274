#include "models/manifest.h"

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

#include "eventlens/error.h"

namespace eventlens {

namespace {

using Json = nlohmann::json;

constexpr int known_schema = 1;

// A JSON object that knows where it stands in the file, so that every complaint can say so.
class Node {
  public:
    Node(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

    [[noreturn]] void complain(const std::string& what) const {
        throw Error(ErrorCode::bad_input, "manifest " + where_ + ": " + what);
    }

    void allow_only(std::initializer_list<std::string_view> fields) const {
        if (!json_.is_object()) complain("expected an object");
        for (const auto& [field, value] : json_.items()) {
            if (std::find(fields.begin(), fields.end(), field) == fields.end())
                complain("unknown field '" + field + "'");
        }
    }

    bool has(const char* field) const { return json_.contains(field) && !json_.at(field).is_null(); }

    Node at(const char* field) const {
        if (!has(field)) complain(std::string("field '") + field + "' is missing");
        return {json_.at(field), where_ + "." + field};
    }

    template <typename T>
    T as() const {
        try {
            return json_.get<T>();
        } catch (const Json::exception&) {
            complain("has the wrong type");
        }
    }

    template <typename T>
    T get(const char* field) const {
        return at(field).as<T>();
    }

    template <typename T>
    T get(const char* field, T otherwise) const {
        return has(field) ? at(field).as<T>() : otherwise;
    }

    std::vector<Node> items() const {
        if (!json_.is_array()) complain("expected a list");
        std::vector<Node> nodes;
        for (const Json& item : json_)
            nodes.emplace_back(item, where_ + "[" + std::to_string(nodes.size()) + "]");
        return nodes;
    }

    std::map<std::string, std::string> text_map() const { return as<std::map<std::string, std::string>>(); }

  private:
    const Json& json_;
    std::string where_;
};

std::string sha256_of(const Node& node) {
    auto text = node.get<std::string>("sha256");
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (text.size() != 64 || !std::all_of(text.begin(), text.end(), hex)) {
        node.complain("sha256 must be 64 lower-case hex digits");
    }
    return text;
}

InputSpec input_of(const Node& node) {
    node.allow_only({"width", "height", "multiple", "bgr", "channels_first", "mean", "scale", "raw_bytes"});
    InputSpec input;
    input.size = {node.get("width", 0), node.get("height", 0)};
    input.multiple = node.get("multiple", 1);
    input.bgr = node.get("bgr", false);
    input.channels_first = node.get("channels_first", true);
    input.mean = node.get("mean", input.mean);
    input.scale = node.get("scale", input.scale);
    input.raw_bytes = node.get("raw_bytes", false);
    if (input.size.width < 0 || input.size.height < 0 || input.multiple < 1)
        node.complain("sizes must be positive");
    if (std::find(input.scale.begin(), input.scale.end(), 0.0F) != input.scale.end())
        node.complain("scale must not be 0");
    return input;
}

ModelSource source_of(const Node& node) {
    node.allow_only({"registry", "package", "version", "path", "sha256", "convert"});
    return {node.get<std::string>("registry"),
            node.get<std::string>("package"),
            node.get<std::string>("version"),
            node.get<std::string>("path"),
            sha256_of(node),
            node.get<std::string>("convert", "")};
}

std::array<Point, 5> alignment_of(const Node& node) {
    const auto points = node.get<std::vector<std::array<float, 2>>>("alignment");
    std::array<Point, 5> alignment;
    if (points.size() != alignment.size()) node.complain("an alignment has five points");
    std::ranges::transform(points, alignment.begin(), [](const auto& p) { return Point{p[0], p[1]}; });
    return alignment;
}

// `views`, or its short form for a single one, `alignment`.
std::vector<FaceView> views_of(const Node& node) {
    if (!node.has("views")) return {{alignment_of(node)}};
    if (node.has("alignment")) node.complain("give either alignment or views, not both");
    std::vector<FaceView> views;
    for (const Node& view : node.at("views").items()) {
        view.allow_only({"alignment", "mirrored"});
        views.push_back({alignment_of(view), view.get("mirrored", false)});
    }
    if (views.empty()) node.complain("a face_embedder needs at least one view");
    return views;
}

ModelEntry entry_of(const Node& node, const std::filesystem::path& folder) {
    node.allow_only({"name", "role", "files", "source", "licence", "provenance", "input", "alignment",
                     "views", "output_size", "output_mean", "parts", "threshold", "calibration",
                     "characters"});
    ModelEntry entry;
    entry.name = node.get<std::string>("name");
    entry.role = node.get<std::string>("role");
    constexpr std::array roles{"face_detector", "face_embedder", "text_detector", "text_recognizer"};
    if (std::find(roles.begin(), roles.end(), entry.role) == roles.end()) {
        node.complain("role must be face_detector, face_embedder, text_detector or text_recognizer");
    }
    if (node.has("files")) {
        for (const Node& file : node.at("files").items()) {
            file.allow_only({"path", "sha256"});
            entry.files.push_back({folder / file.get<std::string>("path"), sha256_of(file)});
        }
    }
    if (node.has("source")) entry.source = source_of(node.at("source"));
    entry.licence = node.get<std::string>("licence");
    entry.provenance = node.get<std::string>("provenance");
    if (node.has("input")) entry.input = input_of(node.at("input"));
    entry.output_size = node.get("output_size", 0);
    entry.output_mean = node.get("output_mean", std::vector<float>{});
    if (node.has("parts")) {
        for (const Node& part : node.at("parts").items()) {
            part.allow_only({"model", "weight"});
            entry.parts.push_back({part.get<std::string>("model"), part.get<double>("weight")});
        }
    }
    entry.threshold = node.get("threshold", 0.0);
    if (node.has("calibration")) {
        const Node calibration = node.at("calibration");
        calibration.allow_only({"slope", "offset"});
        entry.calibration = Calibration{calibration.get<double>("slope"), calibration.get<double>("offset")};
    }
    entry.characters = node.get("characters", std::vector<std::string>{});

    if (entry.files.empty() == entry.parts.empty()) node.complain("an entry has either files or parts");
    if (entry.role == "face_embedder") {
        if (entry.output_size <= 0) node.complain("a face_embedder needs output_size");
        if (entry.parts.empty()) {
            entry.views = views_of(node);
            if (entry.input.size.width <= 0 || entry.input.size.height <= 0) {
                node.complain("a face_embedder needs an input width and height");
            }
            const auto mean_size = entry.output_mean.size();
            if (mean_size != 0 && mean_size != static_cast<std::size_t>(entry.output_size)) {
                node.complain("output_mean must have output_size numbers");
            }
        }
    }
    return entry;
}

}  // namespace

Manifest read_manifest(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file)
        throw Error(ErrorCode::not_found,
                    "no model manifest at " + path.string() + "; run `eventlens models fetch`");
    Json json;
    try {
        json = Json::parse(file);
    } catch (const Json::parse_error& error) {
        throw Error(ErrorCode::bad_input, "manifest " + path.string() + ": not JSON: " + error.what());
    }
    const Node root(json, path.string());
    root.allow_only({"schema", "defaults", "models"});
    if (root.get<int>("schema") != known_schema) {
        throw Error(ErrorCode::unsupported,
                    "manifest " + path.string() + ": schema is not 1, the only one this version knows");
    }
    Manifest manifest;
    const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
    for (const Node& node : root.at("models").items()) manifest.entries.push_back(entry_of(node, folder));
    if (root.has("defaults")) manifest.defaults = root.at("defaults").text_map();
    return manifest;
}

}  // namespace eventlens
