#include <tesseract/baseapi.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "bibs/bib_reader_impl.h"
#include "bibs/ctc.h"
#include "bibs/evidence.h"
#include "bibs/places.h"
#include "eventlens/error.h"
#include "image/warp.h"

namespace eventlens {

namespace {

using tesseract::ResultIterator;
using tesseract::TessBaseAPI;

// Tesseract gives no score for where it found a word; this stands for an ordinary one.
constexpr float unknown_score = 0.65F;
constexpr int photo_long_side = 1600;
constexpr int face_pixels = 128;  // in the torso look; Tesseract wants characters of 20 pixels or more
constexpr Size torso_size{3 * face_pixels, 9 * face_pixels / 2};
constexpr float torso_top = 1.4F;

std::unique_ptr<TessBaseAPI> open_tesseract() {
    auto api = std::make_unique<TessBaseAPI>();
    if (api->Init(nullptr, "eng", tesseract::OEM_LSTM_ONLY) != 0) {
        throw Error(ErrorCode::not_found,
                    "Tesseract finds no English data: install the package tesseract-ocr-eng");
    }
    api->SetPageSegMode(tesseract::PSM_SPARSE_TEXT);
    api->SetVariable("debug_file", "/dev/null");
    return api;
}

// Lends each thread a handle of its own: one handle must not be used by two threads.
class Handles {
  public:
    Handles() { idle_.push_back(open_tesseract()); }

    class Lease {
      public:
        explicit Lease(Handles& handles) : handles_(handles), api_(handles.take()) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { handles_.give_back(std::move(api_)); }
        TessBaseAPI& operator*() const { return *api_; }

      private:
        Handles& handles_;
        std::unique_ptr<TessBaseAPI> api_;
    };

  private:
    std::unique_ptr<TessBaseAPI> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto api = std::move(idle_.back());
                idle_.pop_back();
                return api;
            }
        }
        return open_tesseract();
    }
    void give_back(std::unique_ptr<TessBaseAPI> api) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(api));
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<TessBaseAPI>> idle_;
};

struct Word {
    DecodedText text;
    Rect box;  // in pixels of the picture
};

// Adds what a symbol shows, when a bib could show it.
void append_symbol(const ResultIterator& at, DecodedText& text) {
    const std::unique_ptr<const char[]> symbol(at.GetUTF8Text(tesseract::RIL_SYMBOL));
    if (!symbol) return;
    const char c = bib_character(symbol.get());
    if (!c) return;
    text.text += c;
    text.confidences.push_back(std::clamp(at.Confidence(tesseract::RIL_SYMBOL) / 100, 0.0F, 1.0F));
}

std::vector<Word> words_in(TessBaseAPI& api, const Image& picture) {
    api.SetImage(picture.pixels().data(), picture.size().width, picture.size().height, 3,
                 3 * picture.size().width);
    if (api.Recognize(nullptr) != 0) throw Error(ErrorCode::internal, "Tesseract could not read a picture");
    std::vector<Word> words;
    const std::unique_ptr<ResultIterator> at(api.GetIterator());
    if (!at) return words;
    do {
        int left = 0, top = 0, right = 0, bottom = 0;
        if (!at->BoundingBox(tesseract::RIL_SYMBOL, &left, &top, &right, &bottom)) continue;
        if (at->IsAtBeginningOf(tesseract::RIL_WORD) || words.empty()) {
            at->BoundingBox(tesseract::RIL_WORD, &left, &top, &right, &bottom);
            words.push_back({{},
                             {static_cast<float>(left), static_cast<float>(top),
                              static_cast<float>(right - left), static_cast<float>(bottom - top)}});
        }
        append_symbol(*at, words.back().text);
    } while (at->Next(tesseract::RIL_SYMBOL));
    return words;
}

Corners corners_of(const Rect& box, float scale, float left, float top) {
    const float x0 = left + box.x * scale;
    const float y0 = top + box.y * scale;
    const float x1 = x0 + box.width * scale;
    const float y1 = y0 + box.height * scale;
    return {Point{x0, y0}, Point{x1, y0}, Point{x1, y1}, Point{x0, y1}};
}

// Debian's Tesseract in the whole photo and below each face. The probabilities of its bibs are those of the
// networks' evidence model and not calibrated for it.
class TesseractReader : public BibReader::Impl {
  public:
    std::vector<BibRead> read_text(ImageView image, std::span<const Face> faces) const override {
        std::vector<Line> lines;
        std::vector<DecodedText> texts;
        const Handles::Lease api(handles_);
        const auto look = [&](const Image& picture, float scale, float left, float top, bool torso) {
            for (Word& word : words_in(*api, picture)) {
                if (word.text.text.empty()) continue;
                lines.push_back(
                    {{corners_of(word.box, scale, left, top), unknown_score}, torso, 0, texts.size()});
                texts.push_back(std::move(word.text));
            }
        };

        const float shrink =
            std::min(1.0F, static_cast<float>(photo_long_side) /
                               static_cast<float>(std::max(image.size.width, image.size.height)));
        const auto shrunk = [&](int side) {
            return std::max(1, static_cast<int>(std::lround(static_cast<float>(side) * shrink)));
        };
        look(resize_image(image, {shrunk(image.size.width), shrunk(image.size.height)}), 1 / shrink, 0, 0,
             false);
        for (const Face& face : faces.first(std::min(faces.size(), most_torsos))) {
            const float scale = face.box.height / face_pixels;
            if (!(scale > 0)) continue;
            const float left = face.box.x + face.box.width / 2 - scale * torso_size.width / 2;
            const float top = face.box.y + torso_top * face.box.height;
            const float half = scale / 2 - 0.5F;
            look(warp_affine(image, {scale, 0, left + half, 0, scale, top + half}, torso_size, 127), scale,
                 left, top, true);
        }

        std::vector<BibRead> reads;
        for (const Line& line : arrange(std::move(lines))) {
            const Corners& at = line.box.corners;
            const Evidence evidence{line.place, line.box.score, is_near_face(at, faces),
                                    is_at_edge(at, image.size)};
            reads.push_back({texts[line.found].text, texts[line.found].confidences, at, evidence.packed()});
        }
        return reads;
    }

  private:
    mutable Handles handles_;  // locks for itself
};

}  // namespace

std::unique_ptr<BibReader::Impl> open_tesseract_reader() {
    return std::make_unique<TesseractReader>();
}

}  // namespace eventlens
