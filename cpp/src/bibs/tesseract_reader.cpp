#include <tesseract/baseapi.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "bibs/line_reader.h"
#include "eventlens/error.h"
#include "image/warp.h"

namespace eventlens {

namespace {

using tesseract::ResultIterator;
using tesseract::TessBaseAPI;

constexpr int line_height = 48;
constexpr int margin =
    12;  // pixels of the edge's own colours around the line; Tesseract misses what touches the frame
constexpr int longest_line = 352;

std::unique_ptr<TessBaseAPI> open_tesseract() {
    auto api = std::make_unique<TessBaseAPI>();
    if (api->Init(nullptr, "eng", tesseract::OEM_LSTM_ONLY) != 0) {
        throw Error(ErrorCode::not_found,
                    "Tesseract finds no English data: install the package tesseract-ocr-eng");
    }
    api->SetPageSegMode(tesseract::PSM_SINGLE_LINE);
    // Tesseract has one log for the whole process, and other threads may be using it by now.
    static std::once_flag silenced;
    std::call_once(silenced, [&] { api->SetVariable("debug_file", "/dev/null"); });
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

// The line upright, with a margin of what surrounds it.
Image picture_of(ImageView image, const Corners& line) {
    const float ratio = static_cast<float>(margin) / line_height;
    const float aspect = width_of(line) / height_of(line);
    const int width = std::clamp(static_cast<int>(std::ceil(aspect * line_height)), 8, longest_line);
    return warp_perspective(image, grown(line, ratio, ratio), {width + 2 * margin, line_height + 2 * margin});
}

// Adds what a symbol shows, when a bib could show it.
void append_symbol(const ResultIterator& at, DecodedText& text) {
    const std::unique_ptr<const char[]> symbol(at.GetUTF8Text(tesseract::RIL_SYMBOL));
    const char c = symbol ? bib_character(symbol.get()) : '\0';
    if (!c) return;
    text.text += c;
    text.confidences.push_back(std::clamp(at.Confidence(tesseract::RIL_SYMBOL) / 100, 0.0F, 1.0F));
}

DecodedText text_in(TessBaseAPI& api, const Image& picture) {
    api.SetImage(picture.pixels().data(), picture.size().width, picture.size().height, 3,
                 3 * picture.size().width);
    api.SetSourceResolution(300);  // else it guesses, and says so on the console
    if (api.Recognize(nullptr) != 0) throw Error(ErrorCode::internal, "Tesseract could not read a picture");
    DecodedText text;
    const std::unique_ptr<ResultIterator> at(api.GetIterator());
    if (!at) return text;
    do append_symbol(*at, text);
    while (at->Next(tesseract::RIL_SYMBOL));
    return text;
}

class TesseractReader : public LineReader {
  public:
    std::vector<DecodedText> read(ImageView image, std::span<const Corners> lines) const override {
        const Handles::Lease api(handles_);
        std::vector<DecodedText> texts;
        for (const Corners& line : lines) texts.push_back(text_in(*api, picture_of(image, line)));
        return texts;
    }

  private:
    mutable Handles handles_;  // locks for itself
};

}  // namespace

std::unique_ptr<LineReader> open_tesseract_reader() {
    return std::make_unique<TesseractReader>();
}

}  // namespace eventlens
