// Writes strings with the IAB's own packages, from a seed, and tells what those packages read in them: one JSON object
// a line. node generate.mjs SEED COUNT
import { GVL, PurposeRestriction, Segment, TCModel, TCString } from "@iabtechlabtcf/core";
import { GppModel } from "@iabgpp/cmpapi";

const [seed, count] = process.argv.slice(2).map(Number);

// mulberry32
let state = seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (limit) => Math.floor(random() * limit);
const pick = (list) => list[below(list.length)];
const some = (list, chance) => list.filter(() => random() < chance);
const chance = () => pick([0, 0.02, 0.5, 0.98, 1]);
const upTo = (last) => Array.from({ length: last }, (_, index) => index + 1);

// --- TCF ----------------------------------------------------------------------------------------------------------

const PURPOSES = upTo(11);

function vendorList(policy, last) {
  const vendor = (id) => ({
    id,
    name: `Vendor ${id}`,
    purposes: [1, 2, 7, 8],
    legIntPurposes: [9, 10],
    flexiblePurposes: [2, 7, 9],
    specialPurposes: [1],
    features: [],
    specialFeatures: [1],
  });
  const named = (ids) => Object.fromEntries(ids.map((id) => [id, { id, name: `${id}`, description: "" }]));
  return new GVL({
    gvlSpecificationVersion: 3,
    vendorListVersion: 1 + below(500),
    tcfPolicyVersion: policy,
    lastUpdated: "2026-01-01T00:00:00Z",
    purposes: named(PURPOSES),
    specialPurposes: named([1, 2]),
    features: named([1, 2, 3]),
    specialFeatures: named([1, 2]),
    stacks: {},
    vendors: Object.fromEntries(upTo(last).map((id) => [id, vendor(id)])),
  });
}

function tcString(isServiceSpecific = random() < 0.9) {
  const last = pick([5, 40, 300, 1200]);
  const vendors = upTo(last);
  const model = new TCModel(vendorList(pick([2, 4, 4, 5, 5, 5]), last));
  const day = pick([1690000000, 1767225600, 1772323200, 1795132800]) + 86400 * below(20);
  model.created = new Date(1000 * day);
  model.lastUpdated = new Date(1000 * (day + 86400 * below(3)));
  model.cmpId = 2 + below(400);
  model.cmpVersion = 1 + below(50);
  model.isServiceSpecific = isServiceSpecific;
  model.publisherCountryCode = pick(["AA", "DE", "FR", "SE"]);
  model.specialFeatureOptins.set(some([1, 2], 0.5));
  model.purposeConsents.set(some(PURPOSES, chance()));
  model.purposeLegitimateInterests.set(some([2, 7, 8, 9, 10, 11], chance()));
  model.vendorConsents.set(some(vendors, chance()));
  model.vendorLegitimateInterests.set(some(vendors, chance()));
  model.vendorsDisclosed.set(some(vendors, chance()));
  model.publisherConsents.set(some(PURPOSES, chance()));
  model.publisherLegitimateInterests.set(some(PURPOSES, chance()));
  model.numCustomPurposes = below(8);
  model.publisherCustomConsents.set(some(upTo(model.numCustomPurposes), 0.5));
  model.publisherCustomLegitimateInterests.set(some(upTo(model.numCustomPurposes), 0.5));
  if (model.isServiceSpecific) {
    for (let restrictions = below(6); restrictions > 0; restrictions--) {
      const restriction = new PurposeRestriction(pick([1, 1, 2, 7, 9]), below(3));
      some(vendors, pick([0.01, 0.9])).forEach((vendor) => model.publisherRestrictions.add(vendor, restriction));
    }
  }
  const segments = [Segment.CORE, ...some([Segment.VENDORS_DISCLOSED, Segment.PUBLISHER_TC], 0.7)];
  return TCString.encode(model, { segments });
}

function readTcString(string) {
  const model = TCString.decode(string);
  const ids = (vector) => upTo(vector.maxId).filter((id) => vector.has(id));
  const kinds = string.split(".").map((segment) => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef".indexOf(segment[0]) >> 3);
  return {
    created: model.created.getTime() / 1000,
    last_updated: model.lastUpdated.getTime() / 1000,
    policy_version: model.policyVersion,
    is_service_specific: model.isServiceSpecific,
    special_features: ids(model.specialFeatureOptins),
    purposes: ids(model.purposeConsents),
    vendors: ids(model.vendorConsents),
    forbidden: model.publisherRestrictions.getVendors(new PurposeRestriction(1, 0)),
    disclosed: kinds.includes(1) ? ids(model.vendorsDisclosed) : null,
    publisher: kinds.includes(3) ? [ids(model.publisherConsents), ids(model.publisherCustomConsents)] : null,
  };
}

// --- GPP ----------------------------------------------------------------------------------------------------------

const STATES = "usca usva usco usut usct usfl usmt usor ustx usde usia usne usnh usnj ustn usmn usmd usin usky usri".split(" ");

function fill(model, section) {
  if (section === "tcfeuv2") {
    model.decodeSection(section, tcString(true));
  } else if (section === "uspv1") {
    for (const field of ["Notice", "OptOutSale", "LspaCovered"]) model.setFieldValue(section, field, pick(["Y", "N", "-"]));
  } else if (section === "tcfcav1") {
    const flags = (length) => Array.from({ length }, () => random() < 0.5);
    model.setFieldValue(section, "PurposesExpressConsent", flags(24));
    model.setFieldValue(section, "PurposesImpliedConsent", flags(24));
    model.setFieldValue(section, "SpecialFeatureExpressConsent", flags(12));
    model.setFieldValue(section, "PubPurposesExpressConsent", flags(24));
    model.setFieldValue(section, "VendorExpressConsent", some(upTo(90), chance()));
  } else {
    model.setFieldValue(section, "SaleOptOut", below(3));
    if (section === "usnat" && random() < 0.5) model.setFieldValue(section, "Version", 1);
    for (const [field, value] of Object.entries(model.getSection(section))) {
      if (/Version|Type/.test(field)) continue;
      if (/Included/.test(field) || field === "Gpc") model.setFieldValue(section, field, random() < 0.5);
      else if (field === "MspaCoveredTransaction") model.setFieldValue(section, field, 1 + below(2));
      else if (Array.isArray(value)) model.setFieldValue(section, field, value.map(() => below(3)));
      else model.setFieldValue(section, field, below(3));
    }
  }
}

function gppString() {
  const model = new GppModel();
  some(["tcfeuv2", "tcfcav1", "uspv1", "usnat"], 0.4).forEach((section) => fill(model, section));
  some(STATES, 0.12).forEach((section) => fill(model, section));
  return model.encode();
}

function readGppString(string) {
  const model = new GppModel(string);
  const ids = model.getSectionIds();
  const sections = model.toObject();
  const texts = Object.fromEntries(ids.map((id, index) => [id, string.split("~")[index + 1]]));
  if (sections.tcfeuv2) sections.tcfeuv2 = readTcString(texts[2]);
  return { ids, sections };
}

for (let number = 0; number < count; number++) {
  const [kind, string, read] = number % 2 ? ["gpp", gppString(), readGppString] : ["tcf", tcString(), readTcString];
  console.log(JSON.stringify({ kind, string, read: read(string) }));
}
