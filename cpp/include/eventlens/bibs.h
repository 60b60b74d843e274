#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eventlens/faces.h"
#include "eventlens/image.h"
#include "eventlens/models.h"

namespace eventlens {

// Text seen in a photo, before any rule says what a bib looks like. Stored, so that a changed rule reads nothing again.
struct BibRead {
    std::string text;                      // as decoded, upper case
    std::vector<float> confidences;        // 0..1, one for each character of `text`
    std::array<Point, 4> corners{};        // of the text line: top left, top right, bottom right, bottom left
    std::vector<float> evidence;           // what supports the read; the bibs room alone knows its layout
};

// A number read on a runner.
struct Bib {
    std::string text;
    double probability = 0;  // calibrated chance that `text` is the whole number; 0.5 and above counts as exact
    bool partial = false;    // part of the number is likely hidden or unread
    Rect box;
};

// What a bib of this event looks like.
struct BibRules {
    std::string pattern = R"(\d{2,5})";  // ECMAScript regular expression for the whole text, ignoring case
    std::vector<std::string> roster;     // valid bibs, upper case; empty: unknown
};

// Applies the event's rules to stored reads, surest first. Pure. Throws Error(bad_input) for a broken pattern.
std::vector<Bib> interpret_bibs(std::span<const BibRead> reads, const BibRules& rules);

struct BibOptions {
    std::string reader = "paddle";  // or "tesseract", the reader of last resort
};

// Finds and reads the text on runners.
// Thread safety: all methods are const and may run on many threads at once.
class BibReader {
  public:
    static BibReader open(std::shared_ptr<const ModelStore> models, const BibOptions& options = {});

    BibReader(BibReader&&) noexcept;
    BibReader& operator=(BibReader&&) noexcept;
    ~BibReader();

    // Everything legible that could be a bib, whatever the event's rules. `faces` are those found in the same view.
    std::vector<BibRead> read_text(ImageView image, std::span<const Face> faces) const;

    // read_text() under the default rules.
    std::vector<Bib> read(ImageView image, std::span<const Face> faces) const;

  private:
    struct Impl;
    explicit BibReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
