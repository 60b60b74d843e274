#include <algorithm>
#include <map>

#include "bibs/evidence.h"
#include "bibs/line_recognizer.h"
#include "bibs/places.h"
#include "bibs/text_detector.h"
#include "eventlens/bibs.h"
#include "eventlens/error.h"

namespace eventlens {

namespace {

constexpr std::size_t most_torsos = 20;  // of the largest faces; behind them the bibs are too small or hidden
constexpr float sure_character = 0.9F;
constexpr std::size_t longest_number = 8;  // characters; longer text is a sentence, not worth a second look

float worst(const DecodedText& text) {
    return text.confidences.empty() ? 0 : *std::min_element(text.confidences.begin(), text.confidences.end());
}

bool could_be_number(const DecodedText& text) {
    return text.text.size() <= longest_number &&
           std::any_of(text.text.begin(), text.text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// How much of a number a look seems to hold: of two equally sure ones the longer is the less cut.
float promise(const DecodedText& text) {
    return could_be_number(text) ? worst(text) * static_cast<float>(text.text.size()) : 0;
}

// Throws Error(not_found) when the model of that name is of another kind.
const ModelEntry& entry_of(const ModelStore& models, const std::string& name, const char* role) {
    if (name.empty()) return models.default_for(role);
    const ModelEntry& entry = models.entry(name);
    if (entry.role != role) throw Error(ErrorCode::not_found, "model '" + name + "' is no " + role);
    return entry;
}

std::unique_ptr<LineReader> open_line_reader(const ModelStore& models, const std::string& name) {
    if (name == "tesseract") return open_tesseract_reader();
    const std::string recognizer = name == "paddle" ? std::string() : name;
    return std::make_unique<LineRecognizer>(models, entry_of(models, recognizer, "text_recognizer"));
}

}  // namespace

struct BibReader::Impl {
    std::shared_ptr<const ModelStore> models;  // outlives the networks below
    TextDetector photo_detector;
    TextDetector torso_detector;
    std::unique_ptr<LineReader> reader;

    std::vector<BibRead> read_text(ImageView image, std::span<const Face> faces,
                                   const ReadOptions& options) const {
        const std::vector<Line> lines = arrange(find_lines(image, faces, options));
        std::vector<Corners> corners;
        corners.reserve(lines.size());
        for (const Line& line : lines) corners.push_back(line.box.corners);
        const std::vector<DecodedText> texts = reader->read(image, corners);

        std::vector<BibRead> reads;
        const auto keep = [&](const DecodedText& text, const Corners& at, const TextBox& box, int place) {
            if (text.text.empty()) return;
            const Evidence evidence{place, box.score, is_near_face(box.corners, faces),
                                    is_at_edge(box.corners, image.size)};
            reads.push_back({text.text, text.confidences, at, evidence.packed()});
        };
        for (std::size_t i = 0; i < lines.size(); ++i)
            keep(texts[i], corners[i], lines[i].box, lines[i].place);

        // A second look tells a whole number from one whose end the detector cut off or took for more than it
        // is.
        const std::vector<std::size_t> doubtful = in_doubt(lines, texts);
        std::vector<Corners> again;
        for (const std::size_t i : doubtful) {
            again.push_back(grown(corners[i], 0.25F, 0.05F));
            again.push_back(grown(corners[i], -0.1F, 0));
        }
        const std::vector<DecodedText> second = reader->read(image, again);
        for (std::size_t k = 0; k < again.size(); ++k) {
            const Line& line = lines[doubtful[k / 2]];
            keep(second[k], again[k], line.box, line.place);
        }
        return reads;
    }

    std::vector<Line> find_lines(ImageView image, std::span<const Face> faces,
                                 const ReadOptions& options) const {
        std::vector<Line> lines;
        if (options.whole) {
            for (const TextBox& box : photo_detector.find_in_photo(image)) lines.push_back({box, false});
        }
        if (!options.torsos) return lines;
        for (const Face& face : faces.first(std::min(faces.size(), most_torsos))) {
            for (const TextBox& box : torso_detector.find_in_torso(image, face.box))
                lines.push_back({box, true});
        }
        return lines;
    }

    // The most promising line of each place where two looks have not yet agreed on a number.
    static std::vector<std::size_t> in_doubt(std::span<const Line> lines,
                                             std::span<const DecodedText> texts) {
        std::map<int, std::vector<std::size_t>> places;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (!texts[i].text.empty()) places[lines[i].place].push_back(i);
        }
        std::vector<std::size_t> doubtful;
        for (const auto& [place, members] : places) {
            const std::size_t best = *std::max_element(members.begin(), members.end(), [&](auto a, auto b) {
                return promise(texts[a]) < promise(texts[b]);
            });
            if (!could_be_number(texts[best])) continue;
            const bool agreed = members.size() >= 2 && worst(texts[best]) > sure_character &&
                                std::all_of(members.begin(), members.end(),
                                            [&](auto i) { return texts[i].text == texts[best].text; });
            if (!agreed) doubtful.push_back(best);
        }
        return doubtful;
    }
};

BibReader::BibReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BibReader::BibReader(BibReader&&) noexcept = default;
BibReader& BibReader::operator=(BibReader&&) noexcept = default;
BibReader::~BibReader() = default;

BibReader BibReader::open(std::shared_ptr<const ModelStore> models, const BibOptions& options) {
    TextDetector photo(*models, entry_of(*models, options.photo_detector, "text_detector"));
    TextDetector torso(*models, entry_of(*models, options.torso_detector, "text_detector"));
    std::unique_ptr<LineReader> reader = open_line_reader(*models, options.reader);
    return BibReader(std::unique_ptr<Impl>(
        new Impl{std::move(models), std::move(photo), std::move(torso), std::move(reader)}));
}

std::vector<BibRead> BibReader::read_text(ImageView image, std::span<const Face> faces,
                                          const ReadOptions& options) const {
    if (!image.pixels || image.size.width < 1 || image.size.height < 1 || image.format != PixelFormat::rgb8) {
        throw Error(ErrorCode::bad_input, "bibs are read in RGB images that are not empty");
    }
    return impl_->read_text(image, faces, options);
}

std::vector<Bib> BibReader::read(ImageView image, std::span<const Face> faces) const {
    return interpret_bibs(read_text(image, faces), {});
}

}  // namespace eventlens
