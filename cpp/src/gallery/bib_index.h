#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "eventlens/gallery.h"

namespace eventlens {

// Which photos show which bib.
// Thread safety: const methods may run on many threads at once.
class BibIndex {
  public:
    void add(PhotoId photo, std::span<const Bib> bibs);

    // Forgets the reads of `photo` whose texts are `bibs`: those given to add(), as a whole.
    void remove(PhotoId photo, std::span<const std::string> bibs);

    // One match for each read that may be `bib`, a folded query; in no order, several of one photo are
    // possible.
    std::vector<Match> find(const std::string& bib) const;

    std::size_t memory_bytes() const;

    // Trimmed and in upper case, ASCII only. Throws Error(bad_input) when empty or longer than 64 characters.
    static std::string folded_query(std::string_view text);
    static std::string folded(std::string_view text);

  private:
    struct Read {
        PhotoId photo;
        double probability;
        bool partial;
        Rect box;
    };

    static bool any_sure(std::span<const Read> reads);
    static bool any_partial(std::span<const Read> reads);

    // Whether the number itself was read somewhere with a probability of 0.5 or more; how many such contain
    // `piece`.
    bool is_known(const std::string& bib) const;
    std::size_t known_numbers_with(std::string_view piece) const;

    std::unordered_map<std::string, std::vector<Read>> reads_;  // by folded text
    std::unordered_set<std::string> pieces_;                    // the texts that have a partial read
};

}  // namespace eventlens
