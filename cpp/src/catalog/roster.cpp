#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "eventlens/catalog.h"
#include "eventlens/error.h"

// A parser of our own: Debian's libcsv has had no release since 2013, and the other one wants its columns
// counted at compile time.
namespace eventlens {

namespace {

constexpr std::size_t max_file_bytes = 64 << 20;
constexpr std::size_t max_entries = 1'000'000;
constexpr std::size_t max_columns = 1000;
constexpr std::size_t max_bib_bytes = 64;
constexpr std::size_t max_name_bytes = 1000;

[[noreturn]] void refuse(std::size_t row, const std::string& reason) {
    throw Error(ErrorCode::bad_input, "roster, row " + std::to_string(row) + ": " + reason);
}

// The fields of one row; quoted ones may hold separators, line ends and doubled quotes (RFC 4180).
class Rows {
  public:
    Rows(std::string_view text, char separator) : text_(text), separator_(separator) {}

    // False at the end of the text.
    bool next(std::vector<std::string>& fields) {
        if (at_ == text_.size()) return false;
        ++row_;
        fields.clear();
        do {
            if (fields.size() == max_columns) refuse(row_, "more than 1000 columns");
            fields.push_back(next_field());
        } while (skip(separator_));
        if (skip('\r')) {
            skip('\n');
        } else if (!skip('\n') && at_ < text_.size()) {
            refuse(row_, "text after a closing quote");
        }
        return true;
    }

    std::size_t row() const { return row_; }

  private:
    bool skip(char c) {
        const bool is_next = at_ < text_.size() && text_[at_] == c;
        at_ += is_next ? 1 : 0;
        return is_next;
    }

    std::string next_field() {
        std::string field;
        if (!skip('"')) {
            const std::array ends{separator_, '\r', '\n'};
            const auto end =
                std::min(text_.find_first_of(std::string_view(ends.data(), ends.size()), at_), text_.size());
            field = text_.substr(at_, end - at_);
            at_ = end;
            return field;
        }
        while (true) {
            const auto quote = text_.find('"', at_);
            if (quote == text_.npos) refuse(row_, "a quote is not closed");
            field += text_.substr(at_, quote - at_);
            at_ = quote + 1;
            if (!skip('"')) return field;
            field += '"';
        }
    }

    std::string_view text_;
    char separator_;
    std::size_t at_ = 0;
    std::size_t row_ = 0;
};

// Whichever the first row has most of outside of quotes.
char separator_of(std::string_view text) {
    constexpr std::array candidates{',', ';', '\t'};
    std::array<int, candidates.size()> counts{};
    bool quoted = false;
    for (const char c : text) {
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (c == '\r' || c == '\n') break;
        for (std::size_t i = 0; i < candidates.size(); ++i) counts[i] += c == candidates[i] ? 1 : 0;
    }
    return candidates[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) -
                                               counts.begin())];
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// ASCII letters alone, as bibs are compared.
std::string upper_case(std::string_view text) {
    std::string upper(text);
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return upper;
}

bool has_control_characters(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool has_digit(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Columns {
    std::size_t bib = 0;
    std::size_t name = 1;
    bool header = false;
};

Columns columns_of(const std::vector<std::string>& first_row) {
    Columns columns;
    const auto find = [&](std::string_view title) {
        const auto found = std::find_if(first_row.begin(), first_row.end(), [&](const std::string& f) {
            return upper_case(trimmed(f)) == title;
        });
        return static_cast<std::size_t>(found - first_row.begin());
    };
    if (find("BIB") < first_row.size()) columns = {find("BIB"), find("NAME"), true};
    return columns;
}

}  // namespace

std::vector<RosterEntry> parse_roster_csv(std::span<const std::byte> csv) {
    if (csv.size() > max_file_bytes) throw Error(ErrorCode::bad_input, "roster: larger than 64 MB");
    std::string_view text(reinterpret_cast<const char*>(csv.data()), csv.size());
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        throw Error(ErrorCode::bad_input, "roster: this is UTF-16; save it as CSV in UTF-8");
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);

    std::vector<RosterEntry> roster;
    std::set<std::string> seen;
    Rows rows(text, separator_of(text));
    Columns columns;
    bool maybe_header = false;  // the first row was taken for a participant, and its bib has no digit
    std::vector<std::string> fields;
    while (rows.next(fields)) {
        if (rows.row() == 1) {
            columns = columns_of(fields);
            if (columns.header) continue;
        }
        const auto field = [&](std::size_t column) {
            return column < fields.size() ? trimmed(fields[column]) : std::string_view();
        };
        const std::string bib = upper_case(field(columns.bib));
        const std::string name(field(columns.name));
        if (bib.empty()) continue;
        if (rows.row() == 1) maybe_header = !has_digit(bib);
        if (rows.row() == 2 && maybe_header && has_digit(bib))
            refuse(1, "a header without a column named \"bib\"");
        if (bib.size() > max_bib_bytes) refuse(rows.row(), "a bib longer than 64 bytes");
        if (name.size() > max_name_bytes) refuse(rows.row(), "a name longer than 1000 bytes");
        if (has_control_characters(bib) || has_control_characters(name))
            refuse(rows.row(), "control characters");
        if (!seen.insert(bib).second) continue;
        if (roster.size() == max_entries) refuse(rows.row(), "more than a million participants");
        roster.push_back({bib, name});
    }
    return roster;
}

}  // namespace eventlens
