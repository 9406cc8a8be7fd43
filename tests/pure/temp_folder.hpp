// SPDX-License-Identifier: GPL-2.0-or-later
// A folder of its own for one test, gone afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace doorward {

class TempFolder {
public:
    TempFolder() {
        if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot make a folder in /tmp");
        // Tests connect as other users too.
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ + "/" + name, std::ios::binary) << text;
    }
    std::string read(const std::string& name) const {
        std::ifstream file(path_ + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    std::string path_ = "/tmp/doorward-test-XXXXXX";
};

}  // namespace doorward
