# before_debian.cmake - makes what CMake has installed into a Debian package's files
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
set(source ${CPACK_GPUCONV_SOURCE})

function(compress)
  execute_process(COMMAND gzip -9nf ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The library is for those who build gpuconv: the program does not load it, and as a package it would
# be one of its own.
file(REMOVE_RECURSE ${usr}/include ${usr}/lib)

# Debian's zsh looks there.
file(MAKE_DIRECTORY ${usr}/share/zsh/vendor-completions)
file(RENAME ${usr}/share/zsh/site-functions/_gpuconv ${usr}/share/zsh/vendor-completions/_gpuconv)
file(REMOVE_RECURSE ${usr}/share/zsh/site-functions)

file(GLOB pages ${usr}/share/man/man1/*.1)
compress(${pages})

set(doc ${usr}/share/doc/gpuconv)
execute_process(COMMAND ${source}/tools/notices ${CPACK_GPUCONV_NOTICES}
                OUTPUT_VARIABLE notices COMMAND_ERROR_IS_FATAL ANY)
file(READ ${source}/LICENSE license)
file(WRITE ${doc}/copyright "${license}\n${notices}")
file(REMOVE ${doc}/LICENSE)

file(COPY_FILE ${source}/CHANGELOG.md ${doc}/changelog)
# SOURCE_DATE_EPOCH, if it is set, is the time.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${doc}/changelog.Debian
"gpuconv (${CPACK_PACKAGE_VERSION}-1) unstable; urgency=medium

  * Version ${CPACK_PACKAGE_VERSION}; see changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
compress(${doc}/changelog ${doc}/changelog.Debian)
