# debian.cmake - "cpack -G DEB" in a build folder makes gpuconv_VERSION_ARCHITECTURE.deb
#
# Dependencies are those that dpkg-shlibdeps finds. Nothing is recommended: gpuconv opens nothing of
# Debian's at run time that it is not linked with.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gpuconv)
set(CPACK_PACKAGE_CONTACT "The gpuconv authors <gpuconv@localhost.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "hear a dry recording in a real room")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Convolves mono recordings with the response of a room at two ears: one file,
or thousands in one process. Responses are audio files with two channels, or
SOFA files with a direction. Methods for the CPU and, where it was built with
the CUDA Toolkit, for NVIDIA GPUs. Its own methods give the same bytes on
every machine.")
set(CPACK_DEBIAN_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/tools/package/before_debian.cmake)
set(CPACK_GPUCONV_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_GPUCONV_NOTICES "")
if(GPUCONV_HAS_CUDA)
  set(CPACK_GPUCONV_NOTICES --cuda)
endif()
include(CPack)
