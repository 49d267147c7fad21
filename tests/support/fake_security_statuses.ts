/** The statuses of Apple's Security framework that `security` ends with, and what it says of them. */

import type { FakeAnswer } from "./fake_call.ts";

/** OSStatus by meaning; the exit status is its low byte. */
export const OS_STATUS = {
  cancelled: -128,
  noMemory: -108,
  badParameter: -50,
  missingEntitlement: -34018,
  dataNotAvailable: -25316,
  interactionRequired: -25315,
  interactionNotAllowed: -25308,
  noDefaultKeychain: -25307,
  dataTooLarge: -25302,
  notFound: -25300,
  duplicate: -25299,
  invalidKeychain: -25295,
  noSuchKeychain: -25294,
  authFailed: -25293,
  readOnly: -25292,
  notAvailable: -25291,
  invalidOwnerEdit: -25244,
  noAccess: -25243,
} as const;

/** Statuses of the program itself, which are none of the framework. */
export const OWN_STATUS = { failure: 1, usage: 2 } as const;

const TEXTS: Readonly<Record<number, string>> = {
  [OS_STATUS.cancelled]: "User canceled the operation.",
  [OS_STATUS.noMemory]: "Failed to allocate memory.",
  [OS_STATUS.badParameter]: "One or more parameters passed to a function were not valid.",
  [OS_STATUS.missingEntitlement]: "A required entitlement isn't present.",
  [OS_STATUS.dataNotAvailable]: "The contents of this item cannot be retrieved.",
  [OS_STATUS.interactionRequired]: "User interaction is required, but is currently not allowed.",
  [OS_STATUS.interactionNotAllowed]: "User interaction is not allowed.",
  [OS_STATUS.noDefaultKeychain]: "A default keychain could not be found.",
  [OS_STATUS.dataTooLarge]: "The data is too large.",
  [OS_STATUS.notFound]: "The specified item could not be found in the keychain.",
  [OS_STATUS.duplicate]: "The specified item already exists in the keychain.",
  [OS_STATUS.invalidKeychain]: "The specified keychain is not a valid keychain file.",
  [OS_STATUS.noSuchKeychain]: "The specified keychain could not be found.",
  [OS_STATUS.authFailed]: "The user name or passphrase you entered is not correct.",
  [OS_STATUS.readOnly]: "This keychain cannot be modified.",
  [OS_STATUS.notAvailable]: "No keychain is available. You may need to restart your computer.",
  [OS_STATUS.invalidOwnerEdit]: "Invalid attempt to change the owner of this item.",
  [OS_STATUS.noAccess]: "The specified item has no access control.",
};

/** The line that the tool writes for a status. */
export function complaint(about: string, status: number): string {
  return `security: ${about}: ${TEXTS[status] ?? `UNKNOWN [${status}]`}\n`;
}

/** What a command answers to words that it cannot use. */
export function usage(command: string): FakeAnswer {
  return { status: OWN_STATUS.usage, err: `Usage: ${command} [...]\n` };
}
