#include "gallery/bib_index.h"

#include <algorithm>

#include "eventlens/error.h"

namespace eventlens {

namespace {

constexpr double sure = 0.5;               // Bib::probability of an exact read
constexpr std::size_t longest_query = 64;  // characters

// UTF-8: every byte but continuation bytes begins a character.
std::size_t characters_in(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Whether a read of `text` marked as partial may come from `bib`: one contains the other, and half of it at
// least.
bool may_be_piece(std::string_view text, std::string_view bib) {
    const auto [piece, whole] = text.size() < bib.size() ? std::pair(text, bib) : std::pair(bib, text);
    return 2 * piece.size() >= whole.size() && whole.find(piece) != std::string_view::npos;
}

}  // namespace

std::string BibIndex::folded(std::string_view text) {
    std::string upper(text);
    for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return upper;
}

std::string BibIndex::folded_query(std::string_view text) {
    constexpr std::string_view white = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(white);
    if (first == std::string_view::npos) throw Error(ErrorCode::bad_input, "the bib number to find is empty");
    const std::string_view trimmed = text.substr(first, text.find_last_not_of(white) - first + 1);
    if (characters_in(trimmed) > longest_query) {
        throw Error(ErrorCode::bad_input, "the bib number to find is longer than 64 characters");
    }
    return folded(trimmed);
}

void BibIndex::add(PhotoId photo, std::span<const Bib> bibs) {
    for (const Bib& bib : bibs) {
        std::string text = folded(bib.text);
        if (bib.partial) pieces_.insert(text);
        reads_[std::move(text)].push_back({photo, bib.probability, bib.partial, bib.box});
    }
}

void BibIndex::remove(PhotoId photo, std::span<const std::string> bibs) {
    for (const std::string& bib : bibs) {
        const auto found = reads_.find(bib);
        if (found == reads_.end()) continue;  // already gone with an equal text of the same photo
        std::erase_if(found->second, [&](const Read& read) { return read.photo == photo; });
        if (!any_partial(found->second)) pieces_.erase(bib);
        if (found->second.empty()) reads_.erase(found);
    }
}

bool BibIndex::any_sure(std::span<const Read> reads) {
    return std::any_of(reads.begin(), reads.end(), [](const Read& read) { return read.probability >= sure; });
}

bool BibIndex::any_partial(std::span<const Read> reads) {
    return std::any_of(reads.begin(), reads.end(), [](const Read& read) { return read.partial; });
}

bool BibIndex::is_known(const std::string& bib) const {
    const auto found = reads_.find(bib);
    return found != reads_.end() && any_sure(found->second);
}

std::size_t BibIndex::known_numbers_with(std::string_view piece) const {
    return static_cast<std::size_t>(std::count_if(reads_.begin(), reads_.end(), [&](const auto& entry) {
        return entry.first.find(piece) != std::string::npos && any_sure(entry.second);
    }));
}

std::vector<Match> BibIndex::find(const std::string& bib) const {
    std::vector<Match> matches;
    const auto add = [&](const std::string& text, const Read& read, MatchKind kind, double probability) {
        Match match;
        match.photo = read.photo;
        match.kind = kind;
        match.probability = probability;
        match.box = read.box;
        match.bib = text;
        matches.push_back(std::move(match));
    };
    if (const auto exact = reads_.find(bib); exact != reads_.end()) {
        for (const Read& read : exact->second) {
            add(bib, read, read.probability >= sure ? MatchKind::bib : MatchKind::bib_unsure,
                read.probability);
        }
    }
    for (const std::string& text : pieces_) {
        if (text == bib || !may_be_piece(text, bib)) continue;
        // The read is not the whole number (1 - p) but was legible (p bounds that): the smaller of the
        // two, shared among the numbers that explain it, one of which is `bib`.
        const std::string_view piece = text.size() < bib.size() ? std::string_view(text) : bib;
        const std::size_t explanations = known_numbers_with(piece) + (is_known(bib) ? 0 : 1);
        for (const Read& read : reads_.at(text)) {
            if (!read.partial) continue;
            const double partial =
                std::min(read.probability, 1 - read.probability) / static_cast<double>(explanations);
            add(text, read, MatchKind::bib_partial, partial);
        }
    }
    return matches;
}

std::size_t BibIndex::memory_bytes() const {
    std::size_t bytes = reads_.bucket_count() * sizeof(void*);
    for (const auto& [text, reads] : reads_) {
        bytes += sizeof(std::pair<std::string, std::vector<Read>>) + 2 * sizeof(void*) +
                 reads.capacity() * sizeof(Read);
        if (text.capacity() > std::string().capacity()) bytes += text.capacity() + 1;
    }
    bytes +=
        pieces_.bucket_count() * sizeof(void*) + pieces_.size() * (sizeof(std::string) + 2 * sizeof(void*));
    return bytes;
}

}  // namespace eventlens
