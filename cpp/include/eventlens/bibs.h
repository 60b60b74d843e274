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

// One look at a line of text in a photo, before any rule says what a bib looks like. Stored, so that a
// changed rule reads nothing again. The same text may have been looked at several times; each look is a read
// of its own.
struct BibRead {
    std::string text;                // A to Z and 0 to 9 alone; other characters are left out
    std::vector<float> confidences;  // 0..1, one for each character of `text`
    std::array<Point, 4> corners{};  // of the text line: top left, top right, bottom right, bottom left
    std::vector<float> evidence;     // what supports the read; src/bibs/evidence.h alone knows its layout
};

// A number read on a runner.
struct Bib {
    std::string text;
    double probability =
        0;                 // calibrated chance that `text` is the whole number; 0.5 and above counts as exact
    bool partial = false;  // below 0.5, and part of the number is likely hidden or unread
    Rect box;
};

// What a bib of this event looks like.
struct BibRules {
    // A regular expression for the whole text, ignoring case: letters, digits, '.', \d, \w, [sets], (groups),
    // '|', and the counts '?', '*', '+', {m}, {m,}, {m,n}. At most 128 characters.
    std::string pattern = R"(\d{2,5})";
    // The event's valid bibs, in any case; empty: unknown. A member counts whatever the pattern says.
    std::vector<std::string> roster;
};

// Makes numbers of stored reads by one event's rules. Pure; one interpreter serves any number of photos and
// threads.
//
// The looks that overlap are one place, and a place holds one bib. How likely a place's text is the whole
// number follows from a logistic model of six facts: the worst character's confidence, the detector's score,
// whether the text is where a runner's bib would be below a face (a hint and not a condition: a runner's face
// may be hidden), whether another look saw a longer text around it, whether the photo's edge cuts it, and how
// short it is. bench/quality/bibs.py prints how it was fitted and how well it keeps its word.
//
// A roster changes the odds by Bayes' rule: what is read right is a member but for a few late entries, what
// is read wrong is one as often as the texts one character away are.
class BibInterpreter {
  public:
    // Throws Error(bad_input) for a pattern that is broken or too long.
    explicit BibInterpreter(const BibRules& rules);

    BibInterpreter(BibInterpreter&&) noexcept;
    BibInterpreter& operator=(BibInterpreter&&) noexcept;
    ~BibInterpreter();

    // Surest first, each text once. Those below 0.5 are what may be right if nothing better is found. Throws
    // Error(bad_input) for reads whose evidence another version laid out.
    std::vector<Bib> interpret(std::span<const BibRead> reads) const;

  private:
    struct Impl;
    std::unique_ptr<const Impl> impl_;
};

// The same for a single photo.
std::vector<Bib> interpret_bibs(std::span<const BibRead> reads, const BibRules& rules);

struct BibOptions {
    // "paddle": the manifest's networks. The name of a text_recognizer: that one instead of the default.
    // "tesseract": Debian's Tesseract, the reader of last resort, far behind the networks; its probabilities
    // are not calibrated. It reads what the manifest's detectors find.
    std::string reader = "paddle";
    std::string photo_detector;                    // looks at the whole photo; empty: the manifest's default
    std::string torso_detector = "ppocr-v6s-det";  // looks below each face
};

// Where to look for text.
struct ReadOptions {
    bool whole = true;   // in the whole picture
    bool torsos = true;  // below each face, closely
};

// Finds and reads the text on runners.
// Thread safety: all methods are const and may run on many threads at once.
class BibReader {
  public:
    // Loads the networks that the reader needs; `models` may be null for "tesseract". Throws Error(not_found)
    // for an unknown reader, missing weights or missing Tesseract data, and Error(unsupported) for networks
    // it cannot use.
    static BibReader open(std::shared_ptr<const ModelStore> models, const BibOptions& options = {});

    BibReader(BibReader&&) noexcept;
    BibReader& operator=(BibReader&&) noexcept;
    ~BibReader();

    // Everything legible that could be a bib, whatever the event's rules. `faces` are those found in the same
    // view. Throws Error(bad_input) for an image that is empty or not RGB.
    std::vector<BibRead> read_text(ImageView image, std::span<const Face> faces,
                                   const ReadOptions& options = {}) const;

    // read_text() under the default rules.
    std::vector<Bib> read(ImageView image, std::span<const Face> faces) const;

  private:
    struct Impl;
    explicit BibReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
